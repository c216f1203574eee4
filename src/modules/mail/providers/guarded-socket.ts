import { connect, type Socket } from 'node:net';
import type { OutboundGuard } from '../../../shared/outbound/index.js';

/**
 * A connection to a server that a tenant has chosen: the name is looked up anew, every address behind it is checked, and the first of those is
 * connected to. TLS, where it is wanted, is for the caller to add, under the server's name. Rejects with nodemailer's code for a failed connection.
 */
export async function guardedSocket(guard: OutboundGuard, host: string, port: number, timeoutMs: number): Promise<Socket> {
  try {
    const [{ address }] = await guard.addresses(host);
    return await open(address, port, timeoutMs);
  } catch (error) {
    throw Object.assign(new Error((error as Error).message, { cause: error }), { code: 'ECONNECTION', command: 'CONN' });
  }
}

function open(address: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
    // Stays: between here and the listener of whoever uses the socket an error must not end the process.
    socket.on('error', reject);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('close', () => clearTimeout(timer));
  });
}
