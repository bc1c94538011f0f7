import { createServer, type AddressInfo } from 'node:net';

import type { Browser, BrowserContext, Page } from 'playwright-core';

import { origins } from '../../sample/origins.js';
import { startSample, type LocalServices, type Sample } from '../../sample/start.js';
import { describeInChromium, launchChromium, screenshot, whySkipped } from '../support/chromium.js';
import { PLATFORMS } from '../support/platforms.js';

const MINUTES = 60;

describeInChromium.each(PLATFORMS)(`in Chromium, the sample on %s${whySkipped}`, (platformName, platform) => {
  const environment = { ...process.env };
  let browser: Browser;
  let sample: Sample;
  let local: LocalServices;
  let context: BrowserContext;
  let page: Page;
  /** The URLs that the page navigated to, including redirects, without queries. */
  let visited: string[];

  beforeAll(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('CLERK_')) delete process.env[name];
    Object.assign(process.env, { PORT: String(await freePort()), FRONTEND_PORT: String(await freePort()) });
    sample = await startSample(platform(), { logger: false, forceCloseConnections: true });
    local = sample.local!;
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await sample?.close();
    process.env = environment;
  });
  beforeEach(async () => {
    context = await browser.newContext();
    page = await openTab();
  });
  afterEach(() => context.close());

  async function openTab(): Promise<Page> {
    const tab = await context.newPage();
    visited = [];
    tab.on('request', (request) => {
      if (request.isNavigationRequest()) visited.push(request.url().split('?')[0]!);
    });
    return tab;
  }

  async function open(url: string, tab = page): Promise<void> {
    // Clerk considers several handshakes within two seconds a redirect loop; a person is slower than this test.
    await context.clearCookies({ name: '__clerk_redirect_count' });
    await tab.goto(url);
    await settled(tab);
  }
  /** Waits until the script of one of our pages has run. */
  const settled = (tab = page) => tab.waitForSelector('body[data-ready]');
  const who = (tab = page) => tab.textContent('#who');
  /** Clicks the button, and returns the response that the page shows next to it. */
  const answerTo = async (button: string, tab = page) => {
    const item = tab.locator('#routes li', { has: tab.locator(`button:text-is("${button}")`) });
    await item.locator('button').click();
    const answer = item.locator('[role=status]:not(:text-is("…"))');
    await answer.waitFor();
    return answer.textContent();
  };
  async function signIn(name = 'Ada Lovelace', start = origins().api): Promise<void> {
    await open(start);
    await page.click('#sign-in');
    await page.click(`button:text-is("${name}")`);
    await settled();
  }
  const cookiesOf = async (prefix: string) =>
    (await context.cookies(origins().api)).filter(({ name }) => name.startsWith(prefix));
  /** Replaces the session token in the cookies with an expired one, without waiting for it to expire. */
  async function expireSession(): Promise<void> {
    const cookies = await cookiesOf('__session');
    const session = JSON.parse(atob(cookies[0]!.value.split('.')[1]!)).sid as string;
    const issuedAt = Math.floor(Date.now() / 1000) - 10 * MINUTES;
    const value = await local.clerk.sessionToken({ session, issuedAt, authorizedParty: origins().api });
    const signedInAt = (await cookiesOf('__client_uat')).map((cookie) => ({ ...cookie, value: String(issuedAt - 1) }));
    await context.addCookies([...cookies.map((cookie) => ({ ...cookie, value })), ...signedInAt]);
  }

  it('signs a user in, shows who it is, and lets the user call protected routes', async () => {
    await open(origins().api);
    expect(await who()).toBe('You are not signed in.');
    expect(await answerTo('GET /me')).toMatch(/^401 /);
    await screenshot(page, `${platformName} signed out`);

    await page.click('#sign-in');
    await page.waitForSelector('button:text-is("Ada Lovelace")');
    const choices = await page.locator('fieldset p').allTextContents();
    expect(choices.map((choice) => choice.trim())).toEqual([
      'Ada Lovelace Acme: org:admin with org:invoices:create; Globex: org:member with no permissions',
      'Grace Hopper Globex: org:member with no permissions',
    ]);
    await screenshot(page, `${platformName} sign-in page`);
    await page.click('button:text-is("Ada Lovelace")');
    await settled();
    expect(page.url()).toBe(`${origins().api}/`);
    expect(await who()).toBe('You are Ada Lovelace, at acme.');
    expect(await answerTo('GET /me')).toMatch(/^200 .*"ada@acme.test"/s);
    expect(await answerTo('POST /invoices')).toMatch(/^201 /);
    expect(await answerTo('GET /invoices/export')).toMatch(/^401 /);
    await screenshot(page, `${platformName} signed in`);
  });

  it('refreshes an expired session when the page is reloaded, without a visible redirect', async () => {
    await signIn();
    await expireSession();
    visited = [];
    await page.reload();
    await settled();
    expect(await who()).toBe('You are Ada Lovelace, at acme.');
    expect(visited).toEqual([`${origins().api}/`]);
  });

  it('keeps the session of a page that stays open after its token has expired', async () => {
    await signIn();
    await expireSession();
    expect(await answerTo('GET /me')).toMatch(/^200 /);
  });

  it('restores an expired session that lost its refresh cookie by a handshake', async () => {
    await signIn();
    await expireSession();
    const [refresh] = await cookiesOf('__refresh');
    await context.clearCookies({ name: refresh!.name });
    visited = [];
    await page.reload();
    await settled();
    expect(await who()).toBe('You are Ada Lovelace, at acme.');
    expect(visited).toContain(`${local.clerk.url}/v1/client/handshake`);
    expect(page.url()).toBe(`${origins().api}/`);
    expect(await cookiesOf('__refresh')).toHaveLength(1);
  });

  it('signs out in all tabs at once', async () => {
    await signIn('Grace Hopper');
    const other = await openTab();
    await open(origins().api, other);
    expect(await who(other)).toBe('You are Grace Hopper, at globex.');
    await other.click('#sign-out');
    await other.waitForSelector('#sign-in:visible');
    expect(await answerTo('GET /me')).toMatch(/^401 /);
    await page.reload();
    await settled();
    expect(await who()).toBe('You are not signed in.');
    expect(await cookiesOf('__session')).toEqual([]);
  });

  it('switches to the organization in the URL, and to none on /personal', async () => {
    await signIn();
    await open(`${origins().api}/orgs/globex`);
    expect(await who()).toBe('You are Ada Lovelace, at globex.');
    expect(visited).toContain(`${local.clerk.url}/v1/client/handshake`);
    expect(await answerTo('POST /invoices')).toMatch(/^403 /);
    await screenshot(page, `${platformName} other organization`);
    await open(`${origins().api}/personal`);
    expect(await who()).toBe('You are Ada Lovelace, without an active organization.');
    await open(`${origins().api}/orgs/acme`);
    expect(await who()).toBe('You are Ada Lovelace, at acme.');
  });

  it('does not switch to an organization that the user does not belong to, and does not redirect in a loop', async () => {
    await signIn('Grace Hopper');
    visited = [];
    await open(`${origins().api}/orgs/acme`);
    expect(await who()).toMatch(/^You are Grace Hopper, (without an active organization|at globex)\.$/);
    expect(visited.filter((url) => url.includes('handshake')).length).toBeLessThanOrEqual(3);
  });

  it('accepts bearer tokens from the origin of the frontend, and blocks scripts of other origins', async () => {
    await open(origins().frontend);
    expect(await answerTo('GET /rates')).toMatch(/^200 /);
    expect(await answerTo('GET /me')).toMatch(/^401 /);
    await signIn('Ada Lovelace', origins().frontend);
    expect(await who()).toBe('You are Ada Lovelace.');
    expect(new URL(page.url()).search).toBe('');
    expect(await answerTo('GET /me')).toMatch(/^200 .*"ada@acme.test"/s);
    expect(await answerTo('POST /invoices')).toMatch(/^201 /);
    await screenshot(page, `${platformName} other origin`);
    // The API has set no session cookie there, so none was sent.
    expect((await context.cookies(origins().api)).filter(({ name }) => name.startsWith('__session'))).toEqual([]);

    // Scripts of the frontend can read why a call was denied.
    expect(await answerTo('GET /invoices/export')).toMatch(
      /^401 Unauthorized\nwww-authenticate: Bearer.*\nx-clerk-auth-reason: token-type-mismatch\n/,
    );

    const stranger = await openTab();
    await stranger.goto(`${local.clerk.url}/sign-in`);
    const blocked = await stranger.evaluate(
      (url) =>
        fetch(url).then(
          () => 'answered',
          () => 'blocked',
        ),
      `${origins().api}/rates`,
    );
    expect(blocked).toBe('blocked');
  });

  it('works at 127.0.0.1 as it does at localhost', async () => {
    const [api, frontend] = origins().all.filter((origin) => ![origins().api, origins().frontend].includes(origin));
    await signIn('Ada Lovelace', api);
    expect(page.url()).toBe(`${api}/`);
    expect(await who()).toBe('You are Ada Lovelace, at acme.');
    expect(await answerTo('GET /me')).toMatch(/^200 .*"ada@acme.test"/s);
    expect(await answerTo('POST /invoices')).toMatch(/^201 /);

    await signIn('Grace Hopper', frontend);
    expect(page.url()).toBe(`${frontend}/`);
    expect(await who()).toBe('You are Grace Hopper.');
    expect(await answerTo('GET /me')).toMatch(/^200 .*"grace@globex.test"/s);
    expect(await answerTo('POST /invoices')).toMatch(/^403 /);
  });

  it('links each origin to the other', async () => {
    await open(origins().api);
    await page.click('#frontend');
    await page.waitForURL(`${origins().frontend}/`);
    await settled();
    await page.click('#api');
    await page.waitForURL(`${origins().api}/`);
  });
});

/** A port that is free now, since the sample has to know its ports before it listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
