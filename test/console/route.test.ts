import { describe, expect, it } from 'vitest'
import { read } from '../../src/console/route.ts'

describe('routes', () => {
  it('are parsed from the hash', () => {
    expect(read('')).toMatchObject({ view: 'files', rest: [] })
    expect(read('#/log/a%20b?method=PUT')).toMatchObject({ view: 'log', rest: ['a b'] })
    expect(read('#/log/a%20b?method=PUT').query.get('method')).toBe('PUT')
    expect(read('#/files/7?q=caf%C3%A9').query.get('q')).toBe('café')
  })

  it('default to the list of files', () => {
    expect(read('#/nowhere/x')).toMatchObject({ view: 'files', rest: [] })
    expect(read('#/files/%zz')).toMatchObject({ view: 'files', rest: ['%zz'] })
  })
})
