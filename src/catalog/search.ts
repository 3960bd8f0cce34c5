/** Search for filenames by any literal part. Ignores case and the Unicode form of accents. */

/**
 * Normalises a filename for the `search` column, and `q` before the comparison. Lower-cases by Unicode, because
 * databases differ in it. Folds the final sigma, because its form depends on where the word ends.
 */
export const searchable = (text: string): string =>
  text.normalize('NFC').toLowerCase().normalize('NFC').replaceAll('ς', 'σ')

/** A LIKE pattern that matches `q` literally anywhere. Use it with `escape '\'`. */
export const containsPattern = (q: string): string => `%${searchable(q).replaceAll(/[\\%_]/g, '\\$&')}%`
