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

describe('buildSignInLocation()', () => {
  it('returns the sign-in page on another host, with redirect_url and the development browser token', () => {
    const location = locationOf({ signInUrl: elsewhere }, { cookie: '__clerk_db_jwt=dvb_1' })!;
    expect(location).toMatch(/^https:\/\/accounts\.example\/sign-in\?/);
    expect([back(location), back(location, '__clerk_db_jwt')]).toEqual(['http://app.example/pages?a=1', 'dvb_1']);
  });

  it.each([
    ['/sign-in?theme=dark', '/sign-in?theme=dark&'],
    ['http://app.example/sign-in', '/sign-in?'],
    [undefined, '/?'],
  ])('returns only a path for a sign-in page on the same host (%s)', (signInUrl, start) => {
    expect(locationOf({ signInUrl })).toBe(
      `${start}redirect_url=${encodeURIComponent('http://app.example/pages?a=1')}`,
    );
  });

  it('uses the host that a proxy forwards', () => {
    const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    expect(locationOf({ signInUrl: '/sign-in' }, forwarded)).toMatch(/^\/sign-in\?/);
    expect(back(locationOf({ signInUrl: elsewhere }, forwarded)!)).toBe('https://evil.example/pages?a=1');
  });

  it('returns undefined on the sign-in page itself, but not for another host or a longer path', () => {
    expect(locationOf({ signInUrl: '/pages' })).toBeUndefined();
    expect(locationOf({ signInUrl: 'http://app.example/pages?b=2' })).toBeUndefined();
    expect(locationOf({ signInUrl: 'https://accounts.example/pages' })).toMatch(/^https:\/\/accounts\.example\/pages/);
    expect(locationOf({ signInUrl: '/pages/other' })).toMatch(/^\/pages\/other\?/);
  });

  it.each(['ftp', 'xhttp', 'httpx'])('returns undefined for a request with the protocol %s', (protocol) => {
    expect(
      locationOf({ signInUrl: elsewhere }, { 'x-forwarded-host': 'app.example', 'x-forwarded-proto': protocol }),
    ).toBeUndefined();
  });

  it('returns the tasks page for a pending session only, and undefined if it is the current page', () => {
    expect(locationOf({ signInUrl: elsewhere }, {}, pending)).toMatch(/^https:\/\/accounts\.example\/sign-in\/tasks\?/);
    expect(locationOf({ signInUrl: elsewhere })).not.toContain('/tasks');
    // Two leading slashes would start a host.
    expect(locationOf({}, {}, pending)).toMatch(/^\/tasks\?/);
    expect(locationOf({ signInUrl: '/pages' }, {}, pending)).toBeUndefined();
    const machine = { ...nobody, toAuth: () => ({ isAuthenticated: false, tokenType: 'api_key' }) as never };
    expect(locationOf({ signInUrl: elsewhere }, {}, machine)).not.toContain('/tasks');
  });

  it('marks the location of a satellite, whether isSatellite is a boolean or a function of the URL', () => {
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
