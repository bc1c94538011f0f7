import type { ClerkModuleOptions } from '../../../lib/index.js';
import { inBoth, token, type Attack, type Family } from './entry.js';

const PARTY = 'https://app.example.com';
const AUDIENCE = 'https://api.example.com';

/** Written by Clerk, for another party or audience. */
const claiming = (name: string, source: string, claims: Readonly<Record<string, unknown>>): Attack =>
  token(name, source, ({ clerk }) =>
    clerk.sessionToken({ expiresIn: 3600, claims: { azp: PARTY, aud: AUDIENCE, ...claims } }),
  );

const SUBDOMAINS = 'Clerk: authorizedParties';
const party = (name: string, azp: unknown, source = SUBDOMAINS) => claiming(`azp: ${name}`, source, { azp });
const audience = (name: string, aud: unknown, source = 'RFC 8725 §3.9') => claiming(`aud: ${name}`, source, { aud });

/** What the options `authorizedParties` and `audience` demand. */
export const parties: Family = {
  name: 'parties and audiences',
  options: (): ClerkModuleOptions => ({ authorizedParties: [PARTY], audience: AUDIENCE, requireAudience: true }),
  control: async ({ clerk }) => [
    ...inBoth(await clerk.sessionToken({ claims: { azp: PARTY, aud: AUDIENCE } })),
    ...inBoth(await clerk.sessionToken({ claims: { azp: PARTY, aud: ['x', AUDIENCE] } })),
  ],
  attacks: [
    party('another party', 'https://evil.example'),
    party('ours as a subdomain of another', 'https://app.example.com.evil.example'),
    party('a subdomain of ours', 'https://evil.app.example.com'),
    party('our domain above ours', 'https://example.com'),
    party('our name at the end of another', 'https://evilapp.example.com'),
    party('ours in capital letters', 'https://APP.example.com', 'CWE-178'),
    party('ours with a slash', 'https://app.example.com/'),
    party('ours with a path', 'https://app.example.com/evil'),
    party('ours with a dot', 'https://app.example.com.'),
    party('ours over http', 'http://app.example.com'),
    party('ours with its port', 'https://app.example.com:443'),
    party('ours at another port', 'https://app.example.com:8443'),
    party('ours without a scheme', 'app.example.com', 'CVE-2024-53861 (PyJWT)'),
    party('ours as the user of another', 'https://app.example.com@evil.example'),
    party('another as the user of ours', 'https://evil.example@app.example.com'),
    party('ours behind a blank', ' https://app.example.com'),
    party('ours and NUL', 'https://app.example.com\0', 'CWE-158'),
    party('ours and a line break', 'https://app.example.com\n', 'CWE-158'),
    party('ours with a Cyrillic letter', 'https://\u0430pp.example.com', 'CWE-1007'),
    party('an asterisk', '*'),
    party('a pattern', 'https://.*'),
    party('null as text', 'null'),
    party('two of them', 'https://app.example.com,https://evil.example'),
    party('a list that holds ours', [PARTY]),
    party('an object', { [PARTY]: true }),
    party('true', true),
    party('nothing', undefined),
    party('null', null),
    party('empty text', ''),
    audience('another audience', 'https://other.example.com'),
    audience('ours as a subdomain of another', 'https://api.example.com.evil.example'),
    audience('a part of ours', 'api.example.com', 'CVE-2024-53861 (PyJWT)'),
    audience('ours in capital letters', 'HTTPS://API.EXAMPLE.COM', 'CWE-178'),
    audience('ours with a slash', 'https://api.example.com/'),
    audience('ours and NUL', 'https://api.example.com\0', 'CWE-158'),
    audience('two in one text', 'https://api.example.com https://other.example.com'),
    audience('a list of others', ['https://other.example.com', 'x']),
    audience('a list of none', [], 'CVE-2020-26160 (jwt-go)'),
    audience('a list of empty text', [''], 'CVE-2020-26160 (jwt-go)'),
    audience('empty text', '', 'CVE-2020-26160 (jwt-go)'),
    audience('nothing', undefined),
    audience('null', null),
    audience('an object', { 'https://api.example.com': true }),
    audience('a number', 7),
    audience('true', true),
  ],
};
