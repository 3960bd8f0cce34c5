/** Results go to stdout, everything else to stderr, so that results can be piped. */
export function printResult(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

export function printJson(value: unknown): void {
  printResult(JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0))
}

export function printNote(text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`)
}
