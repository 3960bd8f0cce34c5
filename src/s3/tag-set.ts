/** Tags of objects and buckets as documents have them. */
import { addTag } from './object-headers.ts'
import { malformed, parseXml, type XmlElement, type XmlNode } from './xml.ts'

/** A `<Tagging>` document. Throws MalformedXML, InvalidTag. */
export function readTagSet(document: Buffer): Record<string, string> {
  const set = parseXml(document, 'Tagging')
    .allow({ once: ['TagSet'] })
    .child('TagSet')
  if (set === undefined) throw malformed()
  set.allow({ many: ['Tag'] })
  return readTags(set.children('Tag'))
}

export function readTags(nodes: readonly XmlNode[]): Record<string, string> {
  const tags: Record<string, string> = Object.create(null)
  for (const tag of nodes) {
    tag.allow({ once: ['Key', 'Value'] })
    const name = tag.textOf('Key')
    const value = tag.textOf('Value')
    if (name === undefined || value === undefined) throw malformed()
    addTag(tags, name, value)
  }
  return tags
}

export const tagElements = (tags: Record<string, string>): XmlElement[] =>
  Object.entries(tags).map(([name, value]): XmlElement => [
    'Tag',
    [
      ['Key', name],
      ['Value', value],
    ],
  ])
