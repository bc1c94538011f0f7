import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const manifest = join(dirname(require.resolve('@nestjs/core')), 'package.json');

/** The major version of Nest that these tests run on, which depends on the project in jest.config.js. */
export const NEST_VERSION = Number.parseInt(
  (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version,
);
