import type { ClerkModuleOptions } from '../../../lib/index.js';
import { inBoth, token, type Attack, type Family } from './entry.js';

const PARTY = 'https://app.example.com';
const AUDIENCE = 'https://api.example.com';

/** Signed by Clerk, for another party or audience. */
const claiming = (name: string, source: string, claims: Readonly<Record<string, unknown>>): Attack =>
  token(name, source, ({ clerk }) =>
    clerk.sessionToken({ expiresIn: 3600, claims: { azp: PARTY, aud: AUDIENCE, ...claims } }),
  );

const AUTHORIZED_PARTIES = 'Clerk: authorizedParties';
const party = (name: string, azp: unknown, source = AUTHORIZED_PARTIES) => claiming(`azp: ${name}`, source, { azp });
const audience = (name: string, aud: unknown, source = 'RFC 8725 §3.9') => claiming(`aud: ${name}`, source, { aud });

/** Tokens that the options `authorizedParties` and `audience` deny. */
export const parties: Family = {
  name: 'authorized parties and audiences',
  options: (): ClerkModuleOptions => ({ authorizedParties: [PARTY], audience: AUDIENCE, requireAudience: true }),
  control: async ({ clerk }) => [
    ...inBoth(await clerk.sessionToken({ claims: { azp: PARTY, aud: AUDIENCE } })),
    ...inBoth(await clerk.sessionToken({ claims: { azp: PARTY, aud: ['x', AUDIENCE] } })),
  ],
  attacks: [
    party('another party', 'https://evil.example'),
    party('ours as a subdomain of another', 'https://app.example.com.evil.example'),
    party('a subdomain of ours', 'https://evil.app.example.com'),
    party('the parent domain of ours', 'https://example.com'),
    party('a host name that ends with ours', 'https://evilapp.example.com'),
    party('ours in upper case', 'https://APP.example.com', 'CWE-178'),
    party('ours with a trailing slash', 'https://app.example.com/'),
    party('ours with a path', 'https://app.example.com/evil'),
    party('ours with a trailing dot', 'https://app.example.com.'),
    party('ours over http', 'http://app.example.com'),
    party('ours with its default port', 'https://app.example.com:443'),
    party('ours with another port', 'https://app.example.com:8443'),
    party('ours without a scheme', 'app.example.com', 'CVE-2024-53861 (PyJWT)'),
    party('ours as the user of another', 'https://app.example.com@evil.example'),
    party('another as the user of ours', 'https://evil.example@app.example.com'),
    party('ours after a space', ' https://app.example.com'),
    party('ours followed by a NUL byte', 'https://app.example.com\0', 'CWE-158'),
    party('ours followed by a line break', 'https://app.example.com\n', 'CWE-158'),
    party('ours with a Cyrillic letter', 'https://\u0430pp.example.com', 'CWE-1007'),
    party('an asterisk', '*'),
    party('a regular expression', 'https://.*'),
    party('the string null', 'null'),
    party('two in one string', 'https://app.example.com,https://evil.example'),
    party('a list that contains ours', [PARTY]),
    party('an object', { [PARTY]: true }),
    party('true', true),
    party('undefined', undefined),
    party('null', null),
    party('an empty string', ''),
    audience('another audience', 'https://other.example.com'),
    audience('ours as a subdomain of another', 'https://api.example.com.evil.example'),
    audience('ours without a scheme', 'api.example.com', 'CVE-2024-53861 (PyJWT)'),
    audience('ours in upper case', 'HTTPS://API.EXAMPLE.COM', 'CWE-178'),
    audience('ours with a trailing slash', 'https://api.example.com/'),
    audience('ours followed by a NUL byte', 'https://api.example.com\0', 'CWE-158'),
    audience('two in one string', 'https://api.example.com https://other.example.com'),
    audience('a list of other audiences', ['https://other.example.com', 'x']),
    audience('an empty list', [], 'CVE-2020-26160 (jwt-go)'),
    audience('a list with an empty string', [''], 'CVE-2020-26160 (jwt-go)'),
    audience('an empty string', '', 'CVE-2020-26160 (jwt-go)'),
    audience('undefined', undefined),
    audience('null', null),
    audience('an object', { 'https://api.example.com': true }),
    audience('a number', 7),
    audience('true', true),
  ],
};
