import { describe, expect, it } from 'vitest'
import { folderOf, folderOfPath } from '../../src/console/relative-path.ts'
import { metadataOfPath } from '../../src/react/relative-path.ts'
import { parseMetadata } from '../../src/service/files/file-fields.ts'

const bytes = (text: string): number => new TextEncoder().encode(text).length

describe('relativePath', () => {
  it('is stored for a file in a folder, and read as the folder', () => {
    expect(metadataOfPath('photos/2026/a.jpg')).toEqual({ relativePath: 'photos/2026/a.jpg' })
    expect(folderOf({ metadata: { relativePath: 'photos/2026/a.jpg' } })).toBe('photos/2026')
    expect(metadataOfPath('')).toEqual({})
    expect(metadataOfPath('a.jpg')).toEqual({})
    expect(folderOf({ metadata: {} })).toBe('')
  })

  it('is read in the forms that other programs write', () => {
    expect(folderOfPath('/photos//2026/a.jpg')).toBe('photos/2026')
    expect(folderOfPath(String.raw`photos\2026\a.jpg`)).toBe('photos/2026')
    expect(folderOfPath('a.jpg')).toBe('')
    // Reordering characters are shown, as they are in names.
    expect(folderOfPath('a\u202eb/c.txt')).toBe('a\u25a1b')
  })

  it('never makes the server reject the upload', () => {
    const long = `${Array.from({ length: 400 }, (_, i) => `föld${i}`).join('/')}/a.jpg`
    const shortened = metadataOfPath(long)['relativePath'] ?? ''
    expect(bytes(shortened)).toBeLessThanOrEqual(1024)
    expect(bytes(shortened)).toBeGreaterThan(1000)
    expect(shortened).toMatch(/^…\/föld\d+\/.*\/föld399\/a\.jpg$/)
    expect(parseMetadata(metadataOfPath(long))).toEqual(metadataOfPath(long))
    expect(parseMetadata(metadataOfPath('half \ud800 a letter/a.jpg'))).toEqual({
      relativePath: 'half \ufffd a letter/a.jpg',
    })
    expect(metadataOfPath(`folder/${'n'.repeat(2000)}`)).toEqual({})
  })
})
