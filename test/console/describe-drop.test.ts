import { describe, expect, it } from 'vitest'
import { describeDrop, isAllowed } from '../../src/console/describe-drop.ts'

const limits = { maxSize: 1000, allowedTypes: ['image/*', 'application/pdf'] }

describe('describeDrop', () => {
  it('counts files, adds the known sizes, and names files that will be rejected', () => {
    expect(describeDrop([{ type: 'image/png', size: 900 }], limits)).toEqual({
      invitation: 'Drop 1 file, 900 B',
      refusals: [],
    })
    const mixed = [
      { type: 'image/png', size: 2048 },
      { type: 'video/x-msvideo', size: 10 },
      { type: 'video/x-msvideo', size: 10 },
    ]
    expect(describeDrop(mixed, limits)).toEqual({
      invitation: 'Drop 3 files, 2.02 KiB',
      refusals: ['video/x-msvideo is not allowed here', '1 file over the limit of 1000 B'],
    })
  })

  it('makes no claim without information from the browser', () => {
    expect(describeDrop([], limits)).toEqual({ invitation: 'Drop to upload', refusals: [] })
    const unknown = [
      { type: '', size: null },
      { type: 'image/gif', size: 5 },
    ]
    expect(describeDrop(unknown, limits)).toEqual({ invitation: 'Drop 2 items', refusals: [] })
    expect(describeDrop([{ type: 'text/x', size: null }], null).refusals).toEqual([])
  })
})

describe('isAllowed', () => {
  it('accepts a type, a wildcard of types, and all types', () => {
    expect(isAllowed('image/png', ['image/*'])).toBe(true)
    expect(isAllowed('imagery/png', ['image/*'])).toBe(false)
    expect(isAllowed('text/html', ['*/*'])).toBe(true)
    expect(isAllowed('application/pdfx', ['application/pdf'])).toBe(false)
  })
})
