// Loaded into firebase-tools before anything else: NODE_OPTIONS="--require redirect.cjs".
//
// Every TLS connection, to whatever host, becomes a plain one to the stand-in, which tells the
// hosts apart by their `Host` header. Any other connection may only go to loopback. Questions are
// noted: those that a person at the keyboard would see, though nobody sits at this one, and those
// without a default, which end a deploy that was told not to ask.
'use strict'

const fs = require('node:fs')
const Module = require('node:module')
const net = require('node:net')
const tls = require('node:tls')

const LOOPBACK = '127.0.0.1'
const port = Number(process.env.REHEARSAL_PORT)
const toldNotToAsk = process.argv.includes('--non-interactive')
const note = (kind, text) => {
  fs.appendFileSync(process.env.REHEARSAL_NOTES, JSON.stringify({ kind, text }) + '\n')
}

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...given) {
  // Node passes what it has normalised already as one array.
  const [first, second] = Array.isArray(given[0]) ? given[0] : given
  const isOptions = typeof first === 'object' && first !== null
  const host = isOptions ? first.host : typeof second === 'string' ? second : undefined
  if (host && ![LOOPBACK, 'localhost', '::1'].includes(host)) {
    note('refused', host)
    process.nextTick(() => this.destroy(new Error(`The rehearsal refuses ${host}.`)))
    return this
  }
  return connect.apply(this, given)
}

tls.connect = (...given) => {
  const then = given.find((argument) => typeof argument === 'function')
  const socket = net.connect({ host: LOOPBACK, port })
  Object.assign(socket, { encrypted: true, authorized: true, alpnProtocol: false })
  if (then) socket.once('secureConnect', then)
  socket.once('connect', () => socket.emit('secureConnect'))
  return socket
}

const changes = {
  // It waits ten seconds for each API that it enabled; the stand-in needs none.
  '/firebase-tools/lib/ensureApiEnabled.js': (exports) => {
    exports.POLL_SETTINGS.pollInterval = 20
  },
  '/firebase-tools/lib/prompt.js': (exports) => {
    for (const name of ['checkbox', 'confirm', 'input', 'number', 'password', 'search', 'select']) {
      const ask = exports[name]
      exports[name] = (options) => {
        const answersItself = toldNotToAsk && options?.default !== undefined
        if (!options?.force && !answersItself) note('question', options?.message ?? options)
        return ask(options)
      }
    }
  },
}

const load = Module._extensions['.js']
Module._extensions['.js'] = (module, filename) => {
  load(module, filename)
  const end = Object.keys(changes).find((path) => filename.endsWith(path))
  if (end) changes[end](module.exports)
}
