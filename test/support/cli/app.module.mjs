import { Controller, Get, Logger, Module } from '@nestjs/common';
import { ClerkModule } from 'nest-clerk';

/** Applies decorators as compiled code does. */
export const decorate = (type, ofClass, ofMethods = {}) => {
  for (const [name, decorators] of Object.entries(ofMethods)) {
    const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name);
    Reflect.decorate(decorators, type.prototype, name, descriptor);
  }
  return Reflect.decorate(ofClass, type);
};

export class CatsController {
  onModuleInit() {
    Logger.log('not for anybody');
    Logger.warn('mind the cats');
  }
  list() {}
}
decorate(CatsController, [Controller('cats')], { list: [Get()] });

export class AppModule {}
decorate(AppModule, [Module({ imports: [ClerkModule.forRoot()], controllers: [CatsController] })]);
