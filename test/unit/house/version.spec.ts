import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (file: string) => readFileSync(join(__dirname, '../../..', file), 'utf8');

it('tells Clerk the version of this package', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(read('lib/client/clerk-client.service.ts')).toContain(`SDK_VERSION = '${version}'`);
});
