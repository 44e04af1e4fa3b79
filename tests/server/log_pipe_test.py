#!/usr/bin/env python3
"""A log that nobody reads holds nobody up; what is missing in it is counted. log_pipe_test.py BINARY MODEL"""
import fcntl, json, signal, socket, sys, threading, time

from served import Server, check, finish

F_SETPIPE_SZ = 1031
COUNT, KEPT = 5000, 2048


def ask_many(server, count):
    """On one connection, one behind the other; how many were answered by 200."""
    with socket.create_connection(('127.0.0.1', server.port), timeout=30) as s:
        sender = threading.Thread(target=s.sendall, args=(b'GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n' * count,))
        sender.start()
        got, tail, good = b'', b'', 0
        try:
            while good < count and (got := s.recv(65536)):
                good += (tail + got).count(b'HTTP/1.1 200 ')
                tail = (tail + got)[-12:]
        except TimeoutError:
            s.shutdown(socket.SHUT_RDWR)
        sender.join()
        return good


def dropped_by_metrics(server):
    _, _, body = server.ask('GET', '/metrics')
    return next(int(float(l.split()[1])) for l in body.decode().splitlines() if l.startswith('gatehouse_log_lines_dropped_total'))


with Server('--model', sys.argv[2]) as server:
    fcntl.fcntl(server.process.stderr, F_SETPIPE_SZ, 4096)
    check('with room nothing is dropped', dropped_by_metrics(server) == 0)
    begin = time.time()
    good = ask_many(server, COUNT)
    check('nobody reads: all are answered', good == COUNT, (good, time.time() - begin))
    dropped = dropped_by_metrics(server)
    check('nobody reads: counted', COUNT - KEPT - 200 <= dropped <= COUNT - KEPT, dropped)
    status, body = server.post('/v1/moderations', {'input': 'hello'})
    check('nobody reads: judged', status == 200 and 'results' in body, (status, body))
    server.read_log()
    asked = COUNT + 3
    check('read again: nothing more is dropped', ask_many(server, 10) == 10 and server.stop() == 0)
    records = [json.loads(line) for line in server.log]  # each is whole
    lines = sum(r['event'] == 'request' for r in records)
    told = [r for r in records if r['event'] == 'log lines dropped']
    check('read again: what is missing is told where it is missing',
          sum(r['details']['count'] for r in told) + lines == asked + 10 and told[0]['level'] == 'warn', (lines, asked, told))

server = Server('--model', sys.argv[2])
fcntl.fcntl(server.process.stderr, F_SETPIPE_SZ, 4096)
good = ask_many(server, 200)
begin = time.time()
server.process.send_signal(signal.SIGTERM)
check('nobody reads: it ends', good == 200 and server.process.wait(60) == 0 and time.time() - begin < 10, (good, time.time() - begin))
finish()
