import { SMTPServer } from 'smtp-server';
import { serve } from '../../support/child.js';
import { Counter } from './counter.js';

/** The sink built on a full server, to compare with: `--sink smtp-server`. */
const counter = new Counter();
const sink = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, _session, callback) {
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (counter.wantsSample) chunks.push(chunk);
    });
    stream.on('end', () => {
      counter.add(size, chunks);
      callback();
    });
  },
});
sink.on('error', () => undefined);
const server = sink.listen(0, '127.0.0.1', () => serve(counter.methods(server)));
