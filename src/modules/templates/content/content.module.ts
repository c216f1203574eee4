import { Module } from '@nestjs/common';
import { ContentCompiler } from './content-compiler.js';
import { ContentRenderer } from './content-renderer.js';

/** Compiling and rendering content; no database, no HTTP. */
@Module({ providers: [ContentCompiler, ContentRenderer], exports: [ContentCompiler, ContentRenderer] })
export class ContentModule {}
