/**
 * Writes build/sbom.cdx.json, the CycloneDX bill of materials of the packages that are installed with this one. Peer
 * dependencies belong in the application's own bill.
 *
 * `npm sbom` runs in a temporary project with only these packages, copied from our lockfile: for the whole repository, with
 * its workspaces and peers, it lists too many packages or too few. Nothing is downloaded.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runtimePackages } from './runtime-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name) => JSON.parse(readFileSync(join(root, name), 'utf8'));

/** The packages that build.mjs inlines into dist/cjs; check-package.mjs verifies the list. */
export const INLINED = ['jose'];

export function sbom(manifest = read('package.json'), lock = read('package-lock.json')) {
  const work = mkdtempSync(join(tmpdir(), 'nest-clerk-sbom-'));
  try {
    // npm takes the project's name from its folder.
    const folder = join(work, manifest.name);
    mkdirSync(folder);
    const { name, version, description, license, dependencies } = manifest;
    const own = { name, version, description, license, dependencies };
    const packages = { '': own, ...runtimePackages(manifest, lock) };
    const { lockfileVersion } = lock;
    const write = (file, value) => writeFileSync(join(folder, file), JSON.stringify(value));
    write('package.json', own);
    write('package-lock.json', { name, version, lockfileVersion, requires: true, packages });
    const options = [
      '--package-lock-only',
      '--offline',
      '--sbom-format',
      'cyclonedx',
      '--sbom-type',
      'library',
      '--loglevel',
      'error',
    ];
    const output = execFileSync('npm', ['sbom', ...options], { cwd: folder, encoding: 'utf8' });
    const bill = JSON.parse(output);
    for (const component of bill.components) {
      if (!INLINED.includes(component.name)) continue;
      component.properties = [...(component.properties ?? []), { name: 'nest-clerk:inlined-into', value: 'dist/cjs' }];
    }
    return bill;
  } finally {
    rmSync(work, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(join(root, 'build'), { recursive: true });
  const bill = sbom();
  writeFileSync(join(root, 'build/sbom.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
  const listed = bill.components.map(({ purl }) => purl).join(', ');
  console.log(`build/sbom.cdx.json: ${bill.metadata.component.purl} with ${listed}.`);
}
