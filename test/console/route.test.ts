import { describe, expect, it } from 'vitest'
import { read } from '../../src/console/route.ts'

describe('routes', () => {
  it('are read from the hash', () => {
    expect(read('')).toMatchObject({ view: 'files', rest: [] })
    expect(read('#/log/a%20b?method=PUT')).toMatchObject({ view: 'log', rest: ['a b'] })
    expect(read('#/log/a%20b?method=PUT').query.get('method')).toBe('PUT')
    expect(read('#/files/7?q=caf%C3%A9').query.get('q')).toBe('café')
  })

  it('lead to the files where nothing is meant', () => {
    expect(read('#/nowhere/x')).toMatchObject({ view: 'files', rest: [] })
    expect(read('#/files/%zz')).toMatchObject({ view: 'files', rest: ['%zz'] })
  })
})
