import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (file: string) => readFileSync(join(__dirname, '../../..', file), 'utf8');

it('SDK_VERSION, which is sent to Clerk, equals the version in package.json', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(read('lib/client/clerk-client.service.ts')).toContain(`SDK_VERSION = '${version}'`);
});
