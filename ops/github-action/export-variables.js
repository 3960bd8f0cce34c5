/** The command of `postern exec` in a job: writes the variables that it got to a file, and runs until it is ended. */
import { renameSync, writeFileSync } from 'node:fs'

const [, , file] = process.argv
const variables = Object.entries(process.env).filter(([name]) => /^(AWS_|S3_|POSTERN_|NO_PROXY$|no_proxy$)/.test(name))
writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(variables)))
renameSync(`${file}.new`, file)
setInterval(() => {}, 2 ** 30)
