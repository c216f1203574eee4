import { writeFile } from 'node:fs/promises';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app/app.module.js';
import { loadConfig } from './config/index.js';
import { buildDocument, createHttpAdapter } from './http/index.js';

// Preview builds the graph of modules without instantiating anything: no database, no queue, no secrets. The environment is not read either:
// the same source gives the same bytes everywhere.
const config = loadConfig({ DATABASE_URL: 'postgres://unused/unused', APP_SECRET: 'unused-'.repeat(5), MAIL_PROVIDER: 'mailbox' });
const options = { preview: true, logger: ['error' as const], abortOnError: false };
const app = await NestFactory.create<NestFastifyApplication>(AppModule.register(config), createHttpAdapter(), options);
await writeFile('openapi.json', `${JSON.stringify(buildDocument(app), null, 2)}\n`);
