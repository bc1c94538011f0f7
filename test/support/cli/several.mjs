import { Controller, Get, Module } from '@nestjs/common';
import { ClerkModule, Public, RequirePermission } from 'nest-clerk';

import { CatsController, decorate } from './app.module.mjs';

class DogsController {
  list() {}
}
decorate(DogsController, [Controller('dogs')], { list: [Get(), Public(), RequirePermission('org:dogs:list')] });

/** Has contradictory decorators. */
export class DogsModule {}
decorate(DogsModule, [Module({ imports: [ClerkModule.forRoot()], controllers: [DogsController] })]);

/** Has no ClerkModule. */
export class OpenModule {}
decorate(OpenModule, [Module({ controllers: [CatsController] })]);
