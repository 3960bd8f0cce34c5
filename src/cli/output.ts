import { printable } from '../http/terminal-lines.ts'

let resultsTo: NodeJS.WriteStream = process.stdout

/** For commands that write bytes to stdout. Sends all messages to stderr. */
export function keepStdoutForBytes(): void {
  resultsTo = process.stderr
}

/** For servers. Keeps running when output fails, for example on a full disk or a closed pipe. */
export function outlastOutput(): void {
  process.stdout.removeAllListeners('error')
  process.stdout.on('error', () => {})
}

/** Results go to stdout and everything else to stderr, so that results can be piped. */
export function printResult(text: string): void {
  resultsTo.write(printable(text.endsWith('\n') ? text : `${text}\n`))
}

export function printJson(value: unknown): void {
  printResult(JSON.stringify(value, null, resultsTo.isTTY ? 2 : 0))
}

export function printNote(text: string): void {
  process.stderr.write(printable(text.endsWith('\n') ? text : `${text}\n`))
}
