import { printable } from '../http/terminal-lines.ts'

let resultsTo: NodeJS.WriteStream = process.stdout

/** For a command whose result is bytes on stdout: what is said of them goes to stderr from now on. */
export function keepStdoutForBytes(): void {
  resultsTo = process.stderr
}

/** For a server: it goes on when nobody can read what it prints, on a full disk or a pipe that was closed. */
export function outlastOutput(): void {
  process.stdout.removeAllListeners('error')
  process.stdout.on('error', () => {})
}

/** Results go to stdout, everything else to stderr, so that results can be piped. */
export function printResult(text: string): void {
  resultsTo.write(printable(text.endsWith('\n') ? text : `${text}\n`))
}

export function printJson(value: unknown): void {
  printResult(JSON.stringify(value, null, resultsTo.isTTY ? 2 : 0))
}

export function printNote(text: string): void {
  process.stderr.write(printable(text.endsWith('\n') ? text : `${text}\n`))
}
