import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Builds the package and packs it into a folder. It is always built first, so that no stale build is checked. */
export function pack(folder) {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd, stdio: 'inherit' });
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd,
    encoding: 'utf8',
  });
  const [{ filename, files, size }] = JSON.parse(output);
  return { tarball: join(folder, filename), files: files.map(({ path }) => path), size };
}
