import type { TransportAdapter } from '../../../lib/options/transport-types.js';
import { ApplicationTransports } from '../../../lib/transports/application-transports.js';
import { TRANSPORT_KINDS } from '../../../lib/transports/transport-kinds.js';

const adapter: TransportAdapter = { call: () => ({}), credentials: () => '' };
const typesOf = (transports?: Record<string, TransportAdapter>) =>
  new ApplicationTransports(TRANSPORT_KINDS, { transports }).kinds.map(({ type }) => type);

describe('ApplicationTransports', () => {
  it('lists the built-in transports if there are no adapters', () => {
    expect(typesOf()).toEqual(['http', 'graphql', 'ws', 'rpc']);
  });

  it('lists adapters after the built-in transports', () => {
    expect(typesOf({ bot: adapter, ant: adapter })).toEqual(['http', 'graphql', 'ws', 'rpc', 'bot', 'ant']);
  });

  it.each(TRANSPORT_KINDS.map(({ type }) => type))('throws for an adapter of %s, which is built in', (type) => {
    expect(() => typesOf({ [type]: adapter })).toThrow(
      expect.objectContaining({
        code: 'invalid-configuration',
        problems: [`transports.${type} is built in and takes no adapter.`],
      }),
    );
  });

  it('lists all adapters of built-in transports in one error', () => {
    expect(() => typesOf({ ws: adapter, http: adapter })).toThrow(
      expect.objectContaining({
        problems: [
          'transports.http is built in and takes no adapter.',
          'transports.ws is built in and takes no adapter.',
        ],
      }),
    );
  });
});
