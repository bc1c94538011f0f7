import { Controller, Get, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { ClerkModule } from 'nest-clerk';

import { decorate } from './app.module.mjs';

/** Throws in every lifecycle hook. */
class Database {}
for (const hook of [
  ...['onModuleInit', 'onApplicationBootstrap', 'onModuleDestroy'],
  ...['beforeApplicationShutdown', 'onApplicationShutdown'],
]) {
  Database.prototype[hook] = () => {
    throw new Error(`${hook} was called`);
  };
}

class BirdsController {
  list() {}
}
decorate(BirdsController, [Controller('birds')], { list: [Get()] });

/** Validates the configuration like a schema of Joi or class-validator. */
function validate(config) {
  for (const name of ['CLERK_PUBLISHABLE_KEY', 'CLERK_SECRET_KEY']) {
    if (!/^[ps]k_(test|live)_/.test(config[name])) throw new Error(`${name} is required`);
  }
  return config;
}

export class BirdsModule {}
decorate(BirdsModule, [
  Module({
    imports: [
      ConfigModule.forRoot({ ignoreEnvFile: true, validate }),
      ClerkModule.forRootAsync({
        imports: [ConfigModule.forRoot({ ignoreEnvFile: true })],
        inject: [ConfigService],
        useFactory: (config) => ({
          publishableKey: config.getOrThrow('CLERK_PUBLISHABLE_KEY'),
          secretKey: config.getOrThrow('CLERK_SECRET_KEY'),
        }),
      }),
    ],
    controllers: [BirdsController],
    providers: [Database],
  }),
]);
