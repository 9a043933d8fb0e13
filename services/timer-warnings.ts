/**
 * kafkajs sets a timer in the past whenever no broker throttles it, and Node warns of that on standard error, where the
 * reason of an end is looked for. All other warnings are shown as ever.
 */
export function muteTimerWarnings(): void {
  const shown = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name !== 'TimeoutNegativeWarning') for (const show of shown) show(warning)
  })
}
