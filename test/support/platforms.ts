import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

interface PlatformOptions {
  /**
   * Whether the application trusts a proxy in front of it: any, or the one at an address.
   * @default false
   */
  readonly trustProxy?: boolean | string;
}

function express({ trustProxy = false }: PlatformOptions = {}) {
  const adapter = new ExpressAdapter();
  adapter.set('trust proxy', trustProxy);
  return adapter;
}

/** Every HTTP platform of Nest; each e2e suite runs over all of them. */
export const PLATFORMS = [
  ['Express', express],
  ['Fastify', ({ trustProxy = false }: PlatformOptions = {}) => new FastifyAdapter({ trustProxy })],
] as const;

export type Platform = (typeof PLATFORMS)[number][1];
