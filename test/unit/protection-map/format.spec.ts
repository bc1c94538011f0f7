import { formatProtectionMap, type ProtectedRoute } from '../../../lib/index.js';
import { labelOf, summaryOf } from '../../../lib/protection-map/format.js';

const LIST: ProtectedRoute = {
  transport: 'http',
  method: 'GET',
  path: '/cats',
  handler: 'CatsController.list',
  protection: 'strict',
  acceptsToken: ['session_token'],
  requirements: [],
  from: { protection: 'default', acceptsToken: 'default' },
};

const ROUTES: ProtectedRoute[] = [
  LIST,
  {
    ...LIST,
    method: 'POST',
    path: '/cats/*path',
    version: ['1', 'neutral'],
    host: ['api.example.com'],
    handler: 'CatsController.create',
    acceptsToken: ['session_token', 'api_key'],
    requirements: [
      { requirement: 'role org:admin', from: 'BaseController' },
      { requirement: 'scope a|b', from: 'CatsController.create' },
    ],
    from: { protection: 'CatsController.create', acceptsToken: 'CatsController' },
    allowsPendingSession: true,
    redirectsToSignIn: true,
  },
  {
    ...LIST,
    transport: 'ws',
    method: 'message',
    path: 'say',
    namespace: 'chat',
    handler: 'ChatGateway.say',
    protection: 'skip',
    acceptsToken: [],
    from: { protection: 'ChatGateway', acceptsToken: 'ChatGateway' },
  },
];

const MIXED: ProtectedRoute = {
  ...LIST,
  acceptsToken: ['session_token', 'api_key', 'oauth_token'],
  requirements: [
    { requirement: 'permission org:cats:list', from: 'CatsController', appliesTo: ['session_token'] },
    { requirement: 'scope cats:list', from: 'CatsController.list', appliesTo: ['api_key', 'oauth_token'] },
    { requirement: 'that knowsCats agrees', from: 'CatsController.list' },
    { requirement: 'scope dogs:list', from: 'CatsController', appliesTo: [] },
  ],
};

describe('formatProtectionMap()', () => {
  it('adds the token types to a requirement that does not apply to all accepted ones', () => {
    const requirements = [
      'permission org:cats:list for session_token (class)',
      'scope cats:list for api_key, oauth_token (method)',
      'that knowsCats agrees (method)',
      'scope dogs:list for no accepted token (class)',
    ].join('; ');
    expect(formatProtectionMap([MIXED]).split('\n')[1]).toContain(`  ${requirements}  `);
    const inMarkdown = requirements.replaceAll(/(^|; )(.*?)(?= for | \(|$)/g, '$1`$2`');
    expect(formatProtectionMap([MIXED], 'markdown')).toContain(`| ${inMarkdown} |`);
    expect(JSON.parse(formatProtectionMap([MIXED], 'json'))).toEqual([MIXED]);
    expect(summaryOf(MIXED)).toBe(
      `strict | session_token, api_key, oauth_token | ${requirements.replaceAll(/ \((class|method)\)/g, '')} | CatsController.list`,
    );
  });

  it('writes aligned columns, with the origin of each value', () => {
    const lines = formatProtectionMap(ROUTES).split('\n');
    const rows = lines.map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ['METHOD', 'PATH', 'TRANSPORT', 'PROTECTION', 'TOKENS', 'REQUIREMENTS', 'HANDLER'],
      ['GET', '/cats', 'http', 'strict (default)', 'session_token (default)', '–', 'CatsController.list'],
      [
        'POST',
        '/cats/*path (version 1, neutral) (host api.example.com)',
        'http',
        'strict, redirects to sign-in (method)',
        'session_token, api_key, pending sessions too (class)',
        'role org:admin (class BaseController); scope a|b (method)',
        'CatsController.create',
      ],
      ['message', 'say (namespace chat)', 'ws', 'skip (class)', '–', '–', 'ChatGateway.say'],
    ]);
    for (const column of [1, 2, 3, 6]) {
      expect(new Set(lines.map((line, at) => line.indexOf(`  ${rows[at]![column]}`))).size).toBe(1);
    }
  });

  it('writes a Markdown table in which values of routes are escaped', () => {
    const lines = formatProtectionMap(ROUTES, 'markdown').split('\n');
    expect(lines).toHaveLength(5);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[1]).toMatch(/^(\| -{3,} )+\|$/);
    expect(lines[3]).toContain('| `/cats/*path` (version 1, neutral) (host api.example.com) |');
    expect(lines[3]).toContain('| `role org:admin` (class BaseController); `scope a\\|b` (method) |');
  });

  it('writes JSON that parses to the same routes', () => {
    expect(JSON.parse(formatProtectionMap(ROUTES, 'json'))).toEqual(ROUTES);
  });

  it('writes only the header line for no routes', () => {
    expect(formatProtectionMap([])).toBe('METHOD  PATH  TRANSPORT  PROTECTION  TOKENS  REQUIREMENTS  HANDLER');
    expect(formatProtectionMap([], 'json')).toBe('[]');
  });
});

describe('labelOf() and summaryOf()', () => {
  it('return method and path, with the transport unless it is http, as the label', () => {
    expect(ROUTES.map(labelOf)).toEqual([
      'GET /cats',
      'POST /cats/*path (version 1, neutral) (host api.example.com)',
      'ws message say (namespace chat)',
    ]);
  });

  it('return the policy and the handler without origins as the summary', () => {
    expect(ROUTES.map(summaryOf)).toEqual([
      'strict | session_token | CatsController.list',
      'strict, redirects to sign-in | session_token, api_key, pending sessions too | role org:admin; scope a|b | CatsController.create',
      'skip | ChatGateway.say',
    ]);
  });
});
