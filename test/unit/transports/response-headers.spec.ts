import { ServerResponse } from 'node:http';

import { isNodeResponse, mergeHeaders } from '../../../lib/transports/http/response-headers.js';

it('mergeHeaders() appends cookies and replaces all other headers', () => {
  const response = new ServerResponse({ method: 'GET' } as never);
  response.setHeader('set-cookie', 'own=1');
  response.setHeader('x-clerk-auth-status', 'of somebody else');
  const headers = new Headers({ 'x-clerk-auth-status': 'signed-out', location: '/a' });
  for (const cookie of ['a=1; HttpOnly', 'b=2']) headers.append('set-cookie', cookie);
  mergeHeaders(headers, response);
  expect({ ...response.getHeaders() }).toEqual({
    'set-cookie': ['own=1', 'a=1; HttpOnly', 'b=2'],
    'x-clerk-auth-status': 'signed-out',
    location: '/a',
  });
});

it.each<[string, object, boolean]>([
  ['Node', new ServerResponse({ method: 'GET' } as never), true],
  ['Express', Object.assign(new ServerResponse({ method: 'GET' } as never), { header: () => undefined }), true],
  ['Node over HTTP/2', { setHeader: () => undefined }, true],
  ['Fastify', { header: () => undefined }, false],
  ['another platform', {}, false],
])('isNodeResponse() of the response of %s: %p', (_, response, isOfNode) => {
  expect(isNodeResponse(response)).toBe(isOfNode);
});
