#!/usr/bin/env python3
"""Requests as bytes: what is framed badly is answered by its status, the connection closes, and nothing behind it is
taken for a request. framing_test.py BINARY MODEL"""
import json, re, socket, sys, time
from concurrent.futures import ThreadPoolExecutor

from served import Server, check, finish

MODEL = sys.argv[2]
BODY = b'{"input":"hello"}'
HEAD = b'POST /v1/moderations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
NEXT = b'GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n'  # would be answered by 200
LENGTH = b'Content-Length: %d\r\n' % len(BODY)
CHUNKED = b'Transfer-Encoding: chunked\r\n'


def chunks(*parts):
    return b''.join(b'%x\r\n%s\r\n' % (len(p), p) for p in parts) + b'0\r\n\r\n'


def get(lines, path=b'/version', version=b'HTTP/1.1', method=b'GET'):
    return method + b' ' + path + b' ' + version + b'\r\n' + lines + b'\r\n'


HOST = b'Host: localhost\r\n'
BAD = [  # name, bytes, status
    ('both lengths', HEAD + LENGTH + CHUNKED + b'\r\n' + chunks(BODY), 400),
    ('both lengths, coding first', HEAD + CHUNKED + LENGTH + b'\r\n' + chunks(BODY), 400),
    ('gzip as a transfer coding with a length', HEAD + LENGTH + b'Transfer-Encoding: gzip\r\n\r\n' + BODY, 400),
    ('gzip as a transfer coding', HEAD + b'Transfer-Encoding: gzip\r\n\r\n' + BODY, 501),
    ('gzip, chunked', HEAD + b'Transfer-Encoding: gzip, chunked\r\n\r\n' + chunks(BODY), 501),
    ('chunked, chunked', HEAD + b'Transfer-Encoding: chunked, chunked\r\n\r\n' + chunks(BODY), 501),
    ('chunked, identity', HEAD + b'Transfer-Encoding: chunked, identity\r\n\r\n' + chunks(BODY), 501),
    ('xchunked', HEAD + b'Transfer-Encoding: xchunked\r\n\r\n' + chunks(BODY), 501),
    ('empty coding', HEAD + b'Transfer-Encoding: \r\n\r\n' + chunks(BODY), 501),
    ('coding with a vertical tab', HEAD + b'Transfer-Encoding: \x0bchunked\r\n\r\n' + chunks(BODY), 400),
    ('coding twice', HEAD + CHUNKED + CHUNKED + b'\r\n' + chunks(BODY), 400),
    ('coding in HTTP/1.0', HEAD.replace(b'/1.1', b'/1.0') + CHUNKED + b'\r\n' + chunks(BODY), 400),
    ('length twice, the same', HEAD + LENGTH + LENGTH + b'\r\n' + BODY, 400),
    ('length twice, two', HEAD + LENGTH + b'Content-Length: 3\r\n\r\n' + BODY, 400),
    ('length as a list', HEAD + b'Content-Length: 17, 17\r\n\r\n' + BODY, 400),
    ('length with a sign', HEAD + b'Content-Length: +17\r\n\r\n' + BODY, 400),
    ('negative length', HEAD + b'Content-Length: -1\r\n\r\n' + BODY, 400),
    ('length in base 16', HEAD + b'Content-Length: 0x11\r\n\r\n' + BODY, 400),
    ('empty length', HEAD + b'Content-Length:\r\n\r\n' + BODY, 400),
    ('length with a blank within', HEAD + b'Content-Length: 1 7\r\n\r\n' + BODY, 400),
    ('length above 64 bits', HEAD + b'Content-Length: 18446744073709551633\r\n\r\n' + BODY, 400),
    ('length with an underscore', HEAD + LENGTH + b'Content_Length: 3\r\n\r\n' + BODY, 400),
    ('blank before the colon', HEAD + b'Content-Length : 17\r\n\r\n' + BODY, 400),
    ('blank at the beginning of a line', HEAD + LENGTH + b' X: y\r\n\r\n' + BODY, 400),
    ('folded header', HEAD + LENGTH + b'X: a\r\n\tb\r\n\r\n' + BODY, 400),
    ('header without a name', HEAD + LENGTH + b': x\r\n\r\n' + BODY, 400),
    ('header without a colon', HEAD + LENGTH + b'Nothing\r\n\r\n' + BODY, 400),
    ('name with a control character', HEAD + LENGTH + b'X\x01: y\r\n\r\n' + BODY, 400),
    ('name with a letter that is no ASCII', HEAD + LENGTH + b'X\xc3\xa9: y\r\n\r\n' + BODY, 400),
    ('name in quotes', HEAD + LENGTH + b'"X": y\r\n\r\n' + BODY, 400),
    ('zero byte in a value', HEAD + LENGTH + b'X: a\0b\r\n\r\n' + BODY, 400),
    ('carriage return in a value', HEAD + LENGTH + b'X: a\rb\r\n\r\n' + BODY, 400),
    ('bare line feeds', (HEAD + LENGTH + b'\r\n').replace(b'\r\n', b'\n') + BODY, 400),
    ('one bare line feed', HEAD + b'X: y\n' + LENGTH + b'\r\n' + BODY, 400),
    ('no Host', get(b''), 400),
    ('two Hosts', get(HOST + HOST), 400),
    ('empty Host', get(b'Host:\r\n'), 400),
    ('Host with a path', get(b'Host: localhost/x\r\n'), 400),
    ('Host with a user', get(b'Host: a@localhost\r\n'), 400),
    ('Host with a bad port', get(b'Host: localhost:x\r\n'), 400),
    ('absolute target', get(HOST, b'http://localhost/version'), 400),
    ('target without a slash', get(HOST, b'version'), 400),
    ('asterisk', get(HOST, b'*', method=b'OPTIONS'), 400),
    ('blank in the target', get(HOST, b'/ver sion'), 400),
    ('fragment in the target', get(HOST, b'/version#x'), 400),
    ('control character in the target', get(HOST, b'/ver\x7fsion'), 400),
    ('no version', b'GET /version\r\n' + HOST + b'\r\n', 400),
    ('HTTP/0.9', b'GET /version HTTP/0.9\r\n' + HOST + b'\r\n', 505),
    ('HTTP/2.0', get(HOST, version=b'HTTP/2.0'), 505),
    ('small letters', get(HOST, version=b'http/1.1'), 400),
    ('method in small letters', get(HOST, method=b'get'), 400),
    ('method with a bracket', get(HOST, method=b'GE(T'), 400),
    ('empty line before the request', b'\r\n' + get(HOST), 400),
    ('a TLS greeting', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400),
    ('HTTP/2 by its preface', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505),
    ('expects something else', HEAD + LENGTH + b'Expect: 200-ok\r\n\r\n' + BODY, 417),
    ('headers of 40 KiB', get(HOST + b''.join(b'X-%d: %s\r\n' % (i, b'y' * 1000) for i in range(40))), 431),
    ('a header of 40 KiB', get(HOST + b'X: ' + b'y' * 40960 + b'\r\n'), 431),
    ('a target of 40 KiB', get(HOST, b'/' + b'y' * 40960), 431),
    ('101 headers', get(HOST + b'X: y\r\n' * 100), 431),
    ('chunk size with a sign', HEAD + CHUNKED + b'\r\n+11\r\n' + BODY + b'\r\n0\r\n\r\n', 400),
    ('chunk size with 0x', HEAD + CHUNKED + b'\r\n0x11\r\n' + BODY + b'\r\n0\r\n\r\n', 400),
    ('chunk size that is none', HEAD + CHUNKED + b'\r\nhello\r\n' + BODY + b'\r\n0\r\n\r\n', 400),
    ('chunk size above 64 bits', HEAD + CHUNKED + b'\r\n10000000000000011\r\n' + BODY + b'\r\n0\r\n\r\n', 400),
    ('negative chunk size', HEAD + CHUNKED + b'\r\n-1\r\n' + BODY + b'\r\n0\r\n\r\n', 400),
    ('chunk longer than it says', HEAD + CHUNKED + b'\r\n3\r\n' + BODY + b'\r\n0\r\n\r\n', 400),
    ('chunk that ends with a line feed', HEAD + CHUNKED + b'\r\n11\r\n' + BODY + b'\n0\r\n\r\n', 400),
    ('chunk size that ends with a line feed', HEAD + CHUNKED + b'\r\n11\n' + BODY + b'\r\n0\r\n\r\n', 400),
    ('endless chunk extension', HEAD + CHUNKED + b'\r\n11;' + b'x' * 20000, 400),
    ('endless trailer', HEAD + CHUNKED + b'\r\n11\r\n' + BODY + b'\r\n0\r\nX: ' + b'y' * 200000, 400),
    ('length over the limit', HEAD + b'Content-Length: 2000001\r\n\r\n' + BODY, 413),
    ('chunks over the limit', HEAD + CHUNKED + b'\r\n' + chunks(b'y' * 1500000, b'y' * 1500000), 413),
]
GOOD = [  # name, bytes, status
    ('a length', HEAD + LENGTH + b'\r\n' + BODY, 200),
    ('chunks', HEAD + CHUNKED + b'\r\n' + chunks(BODY[:5], BODY[5:]), 200),
    ('Chunked', HEAD + b'Transfer-Encoding: Chunked\r\n\r\n' + chunks(BODY), 200),
    ('chunk with an extension', HEAD + CHUNKED + b'\r\n11;a=b\r\n' + BODY + b'\r\n0\r\n\r\n', 200),
    ('a trailer, which is not a header', HEAD + CHUNKED + b'\r\n11\r\n' + BODY + b'\r\n0\r\nX-Api-Key: x\r\n\r\n', 200),
    ('HTTP/1.0', get(HOST, version=b'HTTP/1.0'), 200),
    ('a query', get(HOST, b'/version?a=b'), 200),
    ('an address as Host', get(b'Host: 127.0.0.1:80\r\n'), 200),
    ('the other address as Host', get(b'Host: [::1]:80\r\n'), 200),
    ('another host', get(b'Host: example.org\r\n'), 403),
    ('a name that looks like it', get(b'Host: localhost.example.org\r\n'), 403),
    ('a path that is longer', get(HOST, b'/version/'), 404),
    ('a path that is coded', get(HOST, b'/v%65rsion'), 404),
    ('a path with two slashes', get(HOST, b'//version'), 404),
    ('another method', get(HOST, method=b'DELETE'), 405),
    ('a compressed body', HEAD + LENGTH + b'Content-Encoding: gzip\r\n\r\n' + BODY, 415),
    ('a form', (HEAD + LENGTH + b'\r\n' + BODY).replace(b'application/json', b'text/plain'), 415),
]


def statuses(answer):
    return [int(s) for s in re.findall(rb'HTTP/1\.1 (\d{3}) ', answer)]


def error_of(answer):
    """The body of the one answer, which must be an error as design.md has it."""
    return json.loads(answer.split(b'\r\n\r\n', 1)[1])['error']


with Server('--model', MODEL, '--max-body-bytes', '2000000', '--client-timeout', '1') as server:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda case: server.raw(case[1] + NEXT), BAD))
    for (name, data, status), (answer, end) in zip(BAD, answers):
        good = statuses(answer) == [status] and end == 'closed' and b'\r\nConnection: close\r\n' in answer
        check('framed badly: ' + name, good and set(error_of(answer)) == {'message', 'type', 'param', 'code'},
              (answer, end))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda case: server.raw(case[1], timeout=3), GOOD))
    for (name, data, status), (answer, _) in zip(GOOD, answers):
        check('framed well: ' + name, statuses(answer) == [status], answer)

    # Requests one behind the other, in one piece and byte by byte.
    two = HEAD + LENGTH + b'\r\n' + BODY + HEAD + CHUNKED + b'Connection: close\r\n\r\n' + chunks(BODY)
    answer, end = server.raw(two)
    check('two requests in one piece', statuses(answer) == [200, 200] and end == 'closed', answer)
    with socket.create_connection(('127.0.0.1', server.port), timeout=30) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(two)):
            s.sendall(two[i:i + 1])
            if i % 40 == 0:
                time.sleep(0.002)
        answer = b''
        while piece := s.recv(65536):
            answer += piece
    check('two requests byte by byte', statuses(answer) == [200, 200], answer)
    answer, end = server.raw(NEXT * 200 + get(HOST + b'Connection: close\r\n'))
    check('two hundred requests ahead', statuses(answer) == [200] * 201 and end == 'closed', (len(answer), end))

    # 100-continue is sent before the body comes, and a body that is refused is not asked for.
    with socket.create_connection(('127.0.0.1', server.port), timeout=10) as s:
        s.sendall(HEAD + LENGTH + b'Expect: 100-continue\r\n\r\n')
        first = s.recv(65536)
        s.sendall(BODY)
        second = s.recv(65536)
    check('100-continue', first == b'HTTP/1.1 100 Continue\r\n\r\n' and statuses(second) == [200], (first, second))
    answer, end = server.raw(HEAD + b'Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n')
    check('a body that is refused before it is sent', statuses(answer) == [413] and end == 'closed', answer)

    # Those who are slow.
    begin = time.time()
    answer, end = server.raw(HEAD)
    check('half a head', statuses(answer) == [408] and end == 'closed' and time.time() - begin < 5, answer)
    answer, end = server.raw(HEAD + LENGTH + b'\r\n' + BODY[:3])
    check('half a body', statuses(answer) == [408] and end == 'closed', answer)
    begin = time.time()
    with socket.create_connection(('127.0.0.1', server.port), timeout=10) as s:
        s.sendall(HEAD + b'Content-Length: 1000\r\n\r\n')
        try:
            while time.time() - begin < 8:
                s.sendall(b'y')
                time.sleep(0.1)
        except OSError:
            pass
    check('a byte now and then is not enough', time.time() - begin < 6, time.time() - begin)

    # Ids come back where they are harmless.
    for given, same in ((b'abc-1._2', True), (b'a' * 129, False), (b'a b', False), (b'<x>', False)):
        answer, _ = server.raw(get(HOST + b'X-Request-Id: ' + given + b'\r\nConnection: close\r\n'))
        out = re.search(rb'x-request-id: (\S+)\r\n', answer).group(1)
        check('x-request-id ' + given.decode()[:20], (out == given) == same and len(out) > 0, answer)
    check('the server lives', server.ask('GET', '/health')[0] == 200)
check('nothing went wrong inside', server.process.returncode == 0 and not any('"status":500' in l for l in server.log),
      server.log[-3:])
finish()
