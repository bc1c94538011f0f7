/** Run inside of a user's built application: starts it against a local Clerk, and tries its doors. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

import * as imported from 'nest-clerk';
import { LocalClerk } from 'nest-clerk/testing';

const required = createRequire(import.meta.url)('nest-clerk');
assert.equal(required.ClerkGuard, imported.ClerkGuard, 'import and require give the same classes');

const clerk = await LocalClerk.start();
const port = 3900 + (process.pid % 1000);
const app = spawn(process.execPath, [existsSync('dist/main.js') ? 'dist/main.js' : 'dist/src/main.js'], {
  env: { ...process.env, ...clerk.env, PORT: String(port) },
  stdio: ['ignore', 'inherit', 'inherit'],
});

async function answered(method, path, token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  for (;;) {
    assert.equal(app.exitCode, null, 'the application runs');
    try {
      return (await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })).status;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

try {
  const organization = clerk.createOrganization();
  const member = await clerk.sessionToken({ organization });
  const biller = await clerk.sessionToken({ organization, permissions: ['org:invoices:create'] });
  const table = [
    ['GET', '/invoices', undefined, 401],
    ['GET', '/invoices', 'garbage', 401],
    ['GET', '/invoices', member, 200],
    ['GET', '/invoices/rates', undefined, 200],
    ['POST', '/invoices', member, 403],
    ['POST', '/invoices', biller, 201],
  ];
  for (const [method, path, token, status] of table) {
    assert.equal(
      await answered(method, path, token),
      status,
      `${method} ${path} ${token?.slice(0, 8) ?? 'without token'}`,
    );
  }
  console.log(`${table.length} doors of the application answer as they should.`);
} finally {
  app.kill();
  await clerk.stop();
}
