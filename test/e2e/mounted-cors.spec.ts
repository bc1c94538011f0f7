import { requireClerk } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

const ORIGIN = 'https://app.example.com';

describe.each(PLATFORMS)('requireClerk() for a frontend on another origin, on %s', (_, platform) => {
  it('leaves preflights to an earlier enableCors(), and returns a 401 with CORS headers', async () => {
    const clerk = await LocalClerk.start();
    const app = await TestApp.on(platform)
      .clerk(clerk.options)
      .before((nest) => {
        nest.enableCors({ origin: ORIGIN });
        nest.use('/mounted', requireClerk(nest));
      })
      .start();
    const preflight = { origin: ORIGIN, 'access-control-request-method': 'GET' };
    const answers = [await app.send('/mounted', preflight, 'OPTIONS'), await app.send('/mounted', { origin: ORIGIN })];
    expect(answers.map(({ status, headers }) => [status, headers.get('access-control-allow-origin')])).toEqual([
      [204, ORIGIN],
      [401, ORIGIN],
    ]);
    await Promise.all([app.close(), clerk.stop()]);
  });
});
