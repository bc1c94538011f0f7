import { http } from '../transports/http/http.kind.js';
import type { ProtectedRoute, RouteRequirement } from './protected-route.js';

/** The output format: aligned columns, JSON for programs, or a Markdown table. */
export type ProtectionMapFormat = 'text' | 'json' | 'markdown';

/**
 * Formats the protection map. Parentheses show where each setting comes from: `method`, `class` (or the name of the base
 * class), or `default`.
 *
 * @param format `'text'` by default.
 * @example
 * ```ts
 * console.log(formatProtectionMap(app.get(ClerkProtectionMap).routes()));
 * ```
 */
export function formatProtectionMap(routes: readonly ProtectedRoute[], format: ProtectionMapFormat = 'text'): string {
  if (format === 'json') return JSON.stringify(routes, null, 2);
  const isMarkdown = format === 'markdown';
  const code = (text: string) => (isMarkdown ? `\`${text}\`` : text);
  const [head = [], ...rows] = aligned([HEAD, ...routes.map((route) => cellsOf(route, code))].map(escaped(isMarkdown)));
  if (!isMarkdown)
    return [head.map((cell) => cell.toUpperCase()), ...rows].map((row) => row.join('  ').trimEnd()).join('\n');
  const rule = head.map((cell) => '-'.repeat(cell.length));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

const HEAD = ['method', 'path', 'transport', 'protection', 'tokens', 'requirements', 'handler'];
const NONE = '–';

function cellsOf(route: ProtectedRoute, code: (text: string) => string): string[] {
  const from = (source: string) => ` (${placeOf(route, source)})`;
  const requirements = route.requirements.map((one) => code(one.requirement) + typesOf(one) + from(one.from));
  return [
    route.method,
    [code(route.path), ...qualifiersOf(route)].join(' '),
    route.transport,
    protectionOf(route) + from(route.from.protection),
    route.acceptsToken.length > 0 ? tokensOf(route) + from(route.from.acceptsToken) : NONE,
    requirements.join('; ') || NONE,
    code(route.handler),
  ];
}

/** `POST /invoices (version 1)`, `ws message say (namespace chat)`. */
export function labelOf(route: ProtectedRoute): string {
  const transport = route.transport === http.type ? [] : [route.transport];
  return [...transport, route.method, route.path, ...qualifiersOf(route)].join(' ');
}

/** What a route requires of its callers, in one line and without sources: `strict | session_token | …`. */
export function summaryOf(route: ProtectedRoute): string {
  const requirements = route.requirements.map((one) => one.requirement + typesOf(one));
  return [
    protectionOf(route),
    ...(route.acceptsToken.length > 0 ? [tokensOf(route)] : []),
    ...(requirements.length > 0 ? [requirements.join('; ')] : []),
    route.handler,
  ].join(' | ');
}

function qualifiersOf({ version, host, namespace }: ProtectedRoute): string[] {
  const label = (name: string, values: readonly string[] = []) =>
    values.length > 0 ? [`(${name} ${values.join(', ')})`] : [];
  return [...label('version', version), ...label('host', host), ...label('namespace', namespace ? [namespace] : [])];
}

const protectionOf = ({ protection, redirectsToSignIn }: ProtectedRoute) =>
  redirectsToSignIn ? `${protection}, redirects to sign-in` : protection;

const tokensOf = ({ acceptsToken, allowsPendingSession }: ProtectedRoute) =>
  acceptsToken.join(', ') + (allowsPendingSession ? ', pending sessions too' : '');

/** ` for api_key`, for a requirement that does not apply to every accepted token type. */
const typesOf = ({ appliesTo }: RouteRequirement) =>
  appliesTo ? ` for ${appliesTo.join(', ') || 'no accepted token'}` : '';

function placeOf({ handler }: ProtectedRoute, source: string): string {
  if (source === 'default') return source;
  if (source === handler) return 'method';
  return handler.startsWith(`${source}.`) ? 'class' : `class ${source}`;
}

const escaped = (isMarkdown: boolean) => (row: string[]) =>
  isMarkdown ? row.map((cell) => cell.replaceAll('|', '\\|')) : row;

function aligned(rows: readonly string[][]): string[][] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)));
}
