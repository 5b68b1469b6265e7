import fs from 'node:fs';

/** The installed version of a package; read from the file, because not every package exports it. */
export function versionOf(name) {
  return JSON.parse(fs.readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}
