import 'reflect-metadata';

import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';

/** An application without a server, with one module of this metadata, which can discover everything in it. */
export function contextOf({ imports = [], ...metadata }: ModuleMetadata): Promise<INestApplicationContext> {
  class Root {}
  return NestFactory.createApplicationContext(
    { module: Root, imports: [DiscoveryModule, ...imports], ...metadata },
    { logger: false, abortOnError: false },
  );
}
