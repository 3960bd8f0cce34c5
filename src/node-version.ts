/** The message for a Node that is older than `engines` in package.json requires, or null. */
export function tooOld(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return null
  return [
    `postern needs Node 22.18 or newer, and this is Node ${version}.`,
    'Install a current Node from https://nodejs.org. In a checkout, "npm run postern -- …" uses the Node of the project.',
  ].join('\n')
}
