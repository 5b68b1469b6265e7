import fs from 'node:fs';

/** Bytes of this process: all that is resident, and the part that is not pages of files. */
export function memory() {
  const status = fs.readFileSync('/proc/self/status', 'latin1');
  const field = name => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) * 1024;
  return { resident: field('VmRSS'), anonymous: field('RssAnon'), peak: field('VmHWM') };
}
