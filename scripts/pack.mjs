import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Builds the package and packs it into a folder, so that nothing stale is ever looked at. */
export function pack(folder) {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd, stdio: 'inherit' });
  const said = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd,
    encoding: 'utf8',
  });
  const [{ filename, files, size }] = JSON.parse(said);
  return { tarball: join(folder, filename), files: files.map(({ path }) => path), size };
}
