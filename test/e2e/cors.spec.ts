import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Controller, Get, type INestApplication } from '@nestjs/common';

import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller('invoices')
class Invoices {
  @Get() list() {}
}

type CorsOptions = Parameters<INestApplication['enableCors']>[0];

/** The argument of README's `app.enableCors()`, as written there. */
function corsOptionsOfReadme(): CorsOptions {
  const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');
  const [, literal] = /^app\.enableCors\((\{[\s\S]*?\})\);$/m.exec(readme)!;
  return new Function(`return (${literal});`)() as CorsOptions;
}

describe.each(PLATFORMS)("README's CORS options on %s", (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;
  const origin = 'https://app.example.com';

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform)
      .clerk({ ...clerk.options, authorizedParties: [origin] })
      .controllers(Invoices)
      .before((nest) => nest.enableCors(corsOptionsOfReadme()))
      .start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop()]));

  it('let a script of the frontend read every header that says why a request was denied', async () => {
    const expired = await clerk.sessionToken({ authorizedParty: origin, issuedAt: new Date('2020-01-01') });
    const { status, headers } = await app.send('/invoices', { origin, authorization: `Bearer ${expired}` });
    expect(status).toBe(401);
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    const exposed = headers.get('access-control-expose-headers')!.toLowerCase().split(/, ?/);
    const reasons = [...headers.keys()].filter((name) => /^(www-authenticate$|x-clerk-)/.test(name));
    expect(reasons).toEqual(['www-authenticate', 'x-clerk-auth-reason', 'x-clerk-auth-status']);
    expect(exposed).toEqual(expect.arrayContaining(reasons));
  });

  it('let a script of the frontend read Retry-After while Clerk limits the rate', async () => {
    const down = await LocalClerk.start();
    const limited = await TestApp.on(platform)
      .clerk({ ...down.options, authorizedParties: [origin] })
      .controllers(Invoices)
      .before((nest) => nest.enableCors(corsOptionsOfReadme()))
      .start();
    const token = await down.sessionToken({ authorizedParty: origin });
    down.outage({ status: 429, retryAfter: 7 });
    const { status, headers } = await limited.send('/invoices', { origin, authorization: `Bearer ${token}` });
    expect([status, headers.has('retry-after')]).toEqual([503, true]);
    expect(headers.get('access-control-expose-headers')!.toLowerCase()).toContain('retry-after');
    await Promise.all([limited.close(), down.stop()]);
  });

  it('allow preflight requests without a token, only from the frontend', async () => {
    const preflight = (from: string) =>
      app.send(
        '/invoices',
        { origin: from, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
        'OPTIONS',
      );
    const { status, headers } = await preflight(origin);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('access-control-allow-headers')).toContain('Authorization');
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  });
});
