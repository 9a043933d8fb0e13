/** The firmware's name: the edition with the tuner says so by a flag, or at the end of its version. Null where it shows no version. */
export function firmwareName(version: string | null, isPlus: boolean | null): string | null {
  if (version === null) return null
  return (isPlus ?? version.endsWith('-plus')) ? 'Braiins OS+' : 'Braiins OS'
}
