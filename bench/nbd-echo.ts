/** `nbd-echo SOCKET`: the least that an NBD server on Node can do. Every read is answered with zeros, in the call that brought it. */
import { createServer } from 'node:net';
import { MIB } from '../src/core/model/units.js';
import { OPTION_REPLIES } from '../src/wire/nbd/protocol.js';
import { encodeGreeting, encodeInfoExport, encodeOptionReply, encodeSimpleReply } from '../src/wire/nbd/replies.js';
import { ServerReader } from '../src/wire/nbd/server-reader.js';

const ZEROS = Buffer.alloc(MIB);

const server = createServer((socket) => {
  const reader = new ServerReader();
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.write(encodeGreeting());
  socket.on('data', (chunk: Buffer) => {
    reader.push(chunk);
    socket.cork();
    for (let message = reader.next(); message !== null; message = reader.next()) {
      if (message.kind === 'option') {
        const { number, option } = message;
        if (option.kind === 'go') socket.write(encodeInfoExport(number, 64 * MIB, 1));
        const known = option.kind === 'go';
        socket.write(encodeOptionReply(number, known ? OPTION_REPLIES.ACK : OPTION_REPLIES.ERR_UNSUP));
        if (known) reader.beginRequests(MIB);
      } else if (message.kind === 'request') {
        socket.write(encodeSimpleReply(message.request, 0));
        if (message.request.command === 0) socket.write(ZEROS.subarray(0, message.request.lengthBytes));
      }
    }
    process.nextTick(() => socket.uncork());
  });
});
server.listen(process.argv[2]!);
