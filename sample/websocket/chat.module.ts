import { Module } from '@nestjs/common';
import { ClerkModule } from 'nest-clerk';

import { ChatGateway } from './chat.gateway.js';

@Module({ imports: [ClerkModule.forRoot()], providers: [ChatGateway] })
export class ChatModule {}
