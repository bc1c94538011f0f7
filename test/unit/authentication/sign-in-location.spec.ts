import { signedOutAuthObject } from '@clerk/backend/internal';

import { signedOutIdentity } from '../../../lib/authentication/identity/identity.js';
import { buildSignInLocation } from '../../../lib/authentication/lanes/sign-in-location.js';

const nobody = signedOutIdentity('session-token-and-uat-missing', 'session_token', false);
const pending = { ...nobody, toAuth: () => signedOutAuthObject(undefined, 'pending') };
const options = {
  publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`,
  isSatellite: false,
  signInUrl: undefined,
};
const elsewhere = 'https://accounts.example/sign-in';

function locationOf(given: object, headers: Record<string, string> = {}, identity = nobody, path = '/pages?a=1') {
  return buildSignInLocation({ ...options, ...given }, new Request(`http://app.example${path}`, { headers }), identity);
}
const back = (of: string, name = 'redirect_url') => new URL(of, 'http://app.example').searchParams.get(name);

describe('signInLocation', () => {
  it('leads to the sign-in page elsewhere, with the way back', () => {
    const location = locationOf({ signInUrl: elsewhere }, { cookie: '__clerk_db_jwt=dvb_1' })!;
    expect(location).toMatch(/^https:\/\/accounts\.example\/sign-in\?/);
    expect([back(location), back(location, '__clerk_db_jwt')]).toEqual(['http://app.example/pages?a=1', 'dvb_1']);
  });

  it.each([
    ['/sign-in?theme=dark', '/sign-in?theme=dark&'],
    ['http://app.example/sign-in', '/sign-in?'],
    [undefined, '/?'],
  ])('on the same host (%s) is a path alone', (signInUrl, start) => {
    expect(locationOf({ signInUrl })).toBe(
      `${start}redirect_url=${encodeURIComponent('http://app.example/pages?a=1')}`,
    );
  });

  it('goes by the host that a proxy forwards', () => {
    const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    expect(locationOf({ signInUrl: '/sign-in' }, forwarded)).toMatch(/^\/sign-in\?/);
    expect(back(locationOf({ signInUrl: elsewhere }, forwarded)!)).toBe('https://evil.example/pages?a=1');
  });

  it('never leads to itself, but to the same path elsewhere, and to another here', () => {
    expect(locationOf({ signInUrl: '/pages' })).toBeUndefined();
    expect(locationOf({ signInUrl: 'http://app.example/pages?b=2' })).toBeUndefined();
    expect(locationOf({ signInUrl: 'https://accounts.example/pages' })).toMatch(/^https:\/\/accounts\.example\/pages/);
    expect(locationOf({ signInUrl: '/pages/other' })).toMatch(/^\/pages\/other\?/);
  });

  it.each(['ftp', 'xhttp', 'httpx'])('leads nowhere from an address of %s', (protocol) => {
    expect(
      locationOf({ signInUrl: elsewhere }, { 'x-forwarded-host': 'app.example', 'x-forwarded-proto': protocol }),
    ).toBeUndefined();
  });

  it('leads a session with an open task to its tasks', () => {
    expect(locationOf({ signInUrl: elsewhere }, {}, pending)).toMatch(/^https:\/\/accounts\.example\/sign-in\/tasks\?/);
    expect(locationOf({ signInUrl: elsewhere })).not.toContain('/tasks');
    // What begins with two slashes would be a host.
    expect(locationOf({}, {}, pending)).toMatch(/^\/tasks\?/);
    expect(locationOf({ signInUrl: '/pages' }, {}, pending)).toBeUndefined();
    const machine = { ...nobody, toAuth: () => ({ isAuthenticated: false, tokenType: 'api_key' }) as never };
    expect(locationOf({ signInUrl: elsewhere }, {}, machine)).not.toContain('/tasks');
  });

  it('tells the primary that a satellite waits, by a function or not', () => {
    const asked: string[] = [];
    const isSatellite = (url: URL) => (asked.push(url.href), true);
    const synced = [true, isSatellite, false, () => false].map((one) =>
      locationOf({ signInUrl: elsewhere, isSatellite: one })!.includes('__clerk_synced'),
    );
    expect(synced[0]).toBe(synced[1]);
    expect(synced[2]).toBe(synced[3]);
    expect(synced[0]).not.toBe(synced[2]);
    expect(asked).toEqual(['http://app.example/pages?a=1']);
  });
});
