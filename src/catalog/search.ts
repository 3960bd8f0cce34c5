/** How filenames are found: by any literal part, without regard to case or to the form accents were typed in. */

/**
 * What is stored beside a filename and what `q` becomes before the two are compared. Lower-casing follows Unicode,
 * which no database does alike; the final sigma is folded because its form depends on where the word ends.
 */
export const searchable = (text: string): string =>
  text.normalize('NFC').toLowerCase().normalize('NFC').replaceAll('ς', 'σ')

/** A LIKE pattern, to be used with `escape '\'`, that matches `q` literally anywhere. */
export const containsPattern = (q: string): string => `%${searchable(q).replaceAll(/[\\%_]/g, '\\$&')}%`
