import { Controller, Get } from '@nestjs/common';

import { Public, RequirePermission, RequireThat } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

const broken = () => {
  throw new Error('no ledger');
};

@Controller()
class Routes {
  @Get('session') session() {}
  @Get('permission') @RequirePermission('org:a:b') permission() {}
  @Get('predicate') @RequireThat(broken) predicate() {}
  @Get('public') @Public() public() {}
}

/** The number of calls that the lines report. */
const callsIn = (lines: readonly string[]) =>
  lines.reduce((sum, line) => sum + 1 + Number(/\(and (\d+) more like it\)/.exec(line)?.[1] ?? 0), 0);

describe.each(PLATFORMS)('the log on %s', (_, platform) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  beforeAll(async () => {
    [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
  });
  afterAll(() => Promise.all([clerk?.stop(), other?.stop()]));

  it('has one line at once for each kind of denial, and then counts repetitions', async () => {
    const app = await TestApp.on(platform).controllers(Routes).clerk(clerk.options).start();
    const token = await clerk.sessionToken();
    const CALLS = 40;
    for (let call = 0; call < CALLS; call++) {
      expect((await app.send('/session')).status).toBe(401);
      expect((await app.withToken('/session', `garbage-${call}`)).status).toBe(401);
      expect((await app.withToken('/permission', token)).status).toBe(403);
      expect((await app.withToken('/predicate', token)).status).toBe(403);
    }
    const first = app.logger.lines.filter((line) => line.endsWith('ClerkGuard'));
    for (const kind of [
      /^debug Routes\.session: denied 401 \(authentication-required\)/,
      /^debug Routes\.session: denied 401 \(token-invalid\): token-invalid/,
      /^debug Routes\.permission: denied 403 \(insufficient-permissions\): missing permission org:a:b/,
      /^error @RequireThat\(broken\) threw, so the call is denied: no ledger/,
      /^debug Routes\.predicate: denied 403/,
    ]) {
      expect(first.filter((line) => kind.test(line)).length).toBeGreaterThan(0);
    }
    await app.close();
    const lines = app.logger.lines.filter((line) => line.endsWith('ClerkGuard'));
    // Five kinds, plus a line for each count of repetitions, of which a slow test has more.
    expect(lines.length).toBeLessThan(CALLS);
    // A predicate that throws is reported in addition to its denial.
    expect(callsIn(lines)).toBe(5 * CALLS);
  });

  it('has fewer than 20 lines for 40 errors thrown by onError, and counts them all', async () => {
    const app = await TestApp.on(platform)
      .controllers(Routes)
      .clerk({ ...clerk.options, onError: broken })
      .start();
    for (let call = 0; call < 40; call++) expect((await app.send('/session')).status).toBe(401);
    await app.close();
    const errors = app.logger.ofGuard('error');
    expect(errors[0]).toMatch(/^error onError threw, so the call is denied: no ledger/);
    expect(errors.length).toBeLessThan(20);
    expect(callsIn(errors)).toBe(40);
  });

  it('contains no text of a caller, and groups denials independently of it', async () => {
    const app = await TestApp.on(platform)
      .controllers(Routes)
      .clerk({ ...clerk.options, debug: true })
      .start();
    const MARK = 'markOfTheCaller';
    const claims = ['azp', 'aud', 'iss', 'sub', 'sid', 'sts', 'v', 'jti', 'o', 'act', 'exp', 'iat', 'nbf'];
    const headers = ['kid', 'typ', 'cat', 'alg', 'crit'];
    const tokens = [
      ...(await Promise.all(
        claims.flatMap((name) => [
          clerk.sessionToken({ claims: { [name]: MARK } }),
          other.sessionToken({ claims: { [name]: MARK } }),
        ]),
      )),
      ...(await Promise.all(headers.map((name) => clerk.sessionToken({ header: { [name]: MARK } })))),
      ...['ak_', 'mt_', 'oat_', ''].map((prefix) => `${prefix}${MARK}`),
      `${MARK}.${MARK}.${MARK}`,
    ];
    for (const token of tokens) {
      for (const path of ['session', 'permission', 'public']) {
        const hidden = { 'user-agent': MARK, referer: `https://${MARK}.test/`, origin: `https://${MARK}.test` };
        await app.withToken(`/${path}?${MARK}`, token, hidden);
        const cookie = `__session=${token}; __client_uat=1; __clerk_db_jwt=${MARK}; __refresh=${MARK}`;
        const { headers: answered } = await app.send(`/${path}?__clerk_help=${MARK}`, { ...hidden, cookie });
        expect(answered.get('x-clerk-auth-reason') ?? '').toMatch(/^[\w -]{0,80}$/);
      }
    }
    await app.close();
    expect(app.logger.ofGuard('log').length).toBeGreaterThan(2 * tokens.length);
    expect(app.logger.lines.join('\n')).not.toContain(MARK);
    const kinds = new Set(app.logger.ofGuard('debug').map((line) => line.replace(/ \(and \d+ more like it\)/, '')));
    expect(kinds.size).toBeLessThan(tokens.length);
  });
});
