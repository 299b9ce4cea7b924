"""Redis serialization protocol (RESP 2 and 3), by a command as an array of bulk strings and the typed replies.

:checked: client: array header, bulk string header and a command name of that length, or an inline command; server: a
    typed reply, or text that only Redis answers with
:source: Redis serialization protocol specification (redis.io, RESP)
:minimum: 14 bytes of the client or 7 of the server
:facts: command, arguments
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.copies import is_copy
from ..parsing.dialogue import Verbs, first_bytes, lines, verb_of
from ..parsing.evidence import HINT, LEANING, WEAK, Description, Evidence, client_first
from ..parsing.wire import LF, text
from ..transactions.redis import RedisTransactions, words

api_version = 1
protocols = ("redis",)
transport = "tcp"
tier = "structural"
speaks_first = "client"
#: commands without an array, but not those that POP3 has
_INLINE: Final = Verbs(
    frozenset(
        b"PING GET SET INFO SELECT KEYS CONFIG HELLO CLIENT COMMAND DEL EXISTS MGET MSET INCR DECR HGETALL HGET "
        b"HSET LPUSH RPUSH EXPIRE TTL TYPE ECHO DBSIZE FLUSHALL FLUSHDB SLAVEOF REPLICAOF REPLCONF PSYNC SYNC SCAN "
        b"EVAL MODULE SUBSCRIBE PUBLISH XADD ZADD SADD SAVE BGSAVE LRANGE MONITOR CLUSTER MULTI EXEC "
        b"SETEX SETNX GETSET GETDEL GETEX INCRBY DECRBY HMSET HDEL HKEYS LPOP RPOP LLEN SMEMBERS "
        b"SREM ZRANGE ZREM XREAD PEXPIRE SLOWLOG BGREWRITEAOF EVALSHA FCALL".split()
    )
)
#: those of them that no other protocol has: they name the flow before anybody has answered
_ITS_OWN: Final = frozenset(
    b"CONFIG HGETALL HGET HSET LPUSH RPUSH DBSIZE FLUSHALL FLUSHDB SLAVEOF REPLICAOF REPLCONF PSYNC MODULE XADD "
    b"ZADD SADD BGSAVE LRANGE CLUSTER MGET MSET EVAL SETEX SETNX GETSET GETDEL GETEX INCRBY DECRBY HMSET HDEL HKEYS "
    b"LPOP RPOP LLEN SMEMBERS SREM ZRANGE ZREM XREAD PEXPIRE SLOWLOG BGREWRITEAOF EVALSHA FCALL".split()
)
#: lines of the client that are looked at for them
_MOST_LINES: Final = 32
#: bytes of empty lines and commands before the first command
_MOST_BLANKS: Final = 64
#: bytes of commands that others have as well, before a server answers one
_MOST_UNANSWERED: Final = 8192
_REPLIES: Final = b"+-:$*%~_#,(=!>|"
# in the middle the sides may be turned
first_client = first_server = b"*\r\n\"' \t" + first_bytes(_INLINE.all) + _REPLIES

#: commands of no words, which are not answered
_EMPTY: Final = re.compile(rb"(?:[\r\n]|\*(?:0|-\d{1,10})\r\n|\*1\r\n\$0\r\n\r\n)*")
#: Redis takes any byte for the second one of an end
_ARRAY: Final = re.compile(rb"\*([1-9]\d{0,6})\r.\$([1-9]\d{0,2})\r.", re.DOTALL)
_BEGINNING: Final = re.compile(rb"\*-?\d{0,10}(?:\r(?:.(?:\$\d{0,3}(?:\r(?:.[A-Za-z0-9._|-]*\r?)?)?)?)?)?\Z", re.DOTALL)
_COUNT: Final = re.compile(rb"\*(\d{1,7})\r.", re.DOTALL)
#: none, or a first element
_ELEMENT: Final = re.compile(rb"\*(?:0|-1|\d{1,7}\r\n(?:[$*~%>:=!|]-?\d{1,20}|[+(,#_-][^\r\n]{0,512}))\r\n")
#: what every word of a subscription is answered with: the command, the word and how many there are now
_SUBSCRIBED: Final = re.compile(
    rb"\*3\r\n\$\d{1,2}\r\n[ps]?(?:un)?subscribe\r\n(?:\$\d{1,4}\r\n.{0,4096}?|\$-1)\r\n:\d{1,9}\r\n(?:[*>:+$-]|\Z)",
    re.DOTALL | re.I,
)
_WORD: Final = re.compile(rb"\$(\d{1,9})\r.", re.DOTALL)
#: words of a command that are looked at, and bytes from which on one is not waited for
_MOST_WORDS, _LONG = 16, 256
_REPLY: Final = re.compile(
    rb"(\+PONG\r\n|-(?:NOAUTH|WRONGPASS|WRONGTYPE|DENIED|LOADING|MOVED|READONLY|NOPERM|ERR unknown command"
    rb"|ERR wrong number|ERR Protocol)"
    rb"|[*%~>]\d{1,7}\r\n[*$:+%~_#,(]|\+(?:FULLRESYNC|CONTINUE))"
    rb"|(\+[A-Za-z]{1,32}\r\n|-[A-Z]{2,32} |:-?\d{1,20}\r\n|\$-1\r\n|\$\d{1,9}\r\n|\*-?\d{1,7}\r\n|_\r\n|#[tf]\r\n)"
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Redis."""
    answer = _by_roles(client, server)
    if answer is NO and flow.midstream:  # whoever was seen first there is taken for the client
        return _by_roles(server, client)
    return answer


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Follow every command, where the client is known."""
    turned = flow.midstream and _by_roles(flow.client, flow.server) is NO
    return None if turned else RedisTransactions()


def _by_roles(client: bytes, server: bytes) -> Match | Answer:
    command = client[_empty_end(client) :]
    if len(client) - len(command) > _MOST_BLANKS:
        return NO
    asks = _client(command)
    if asks is HINT and b"*" in client[: len(client) - len(command)]:
        asks = YES
    if asks is HINT and not server and len(command) > _MOST_UNANSWERED:
        return NO
    return client_first("redis", asks, _server(server), _describe, command, server, proved=_proves(command, server))


def _proves(command: bytes, server: bytes) -> bool:
    """Return True if a command is all there, as far as its words are short, and the server does not nearly repeat it:
    what a subscription is answered with has another number of words."""
    if command[:1] != b"*":
        return True
    end = _command_end(command)
    if not end or (server[:1] == b"*" and not _ELEMENT.match(server)):
        return False
    return _SUBSCRIBED.match(server) is not None or not is_copy(command[:end], server[:end])


def _command_end(data: bytes) -> int:
    """Return where the command ends, or as much as is there of one with a long word; 0 where it is cut or wrong."""
    count = _COUNT.match(data)
    at = count.end() if count else 0
    for _ in range(min(int(count[1]), _MOST_WORDS) if count else 0):
        word = _WORD.match(data, at)
        if word is None:
            return 0
        at = word.end() + int(word[1]) + 2
        if at > len(data):
            return len(data) if int(word[1]) > _LONG else 0
    return at


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    if array := _ARRAY.match(client):
        facts["command"] = text(client[array.end() : array.end() + int(array[2])].upper())
    elif first := lines(client, 1):
        facts["command"] = text(verb_of(first[0][0]))
    return Description(facts)


def _client(data: bytes) -> Evidence:
    if not data:
        return MORE
    if data[0] != ord("*"):
        said = [_verb(line) for line, _ in lines(data, _MOST_LINES)]
        if said and said[0] in _INLINE.all:
            quoted = not data[: len(said[0])].strip().isalpha()  # by Redis alone
            return YES if quoted or any(verb in _ITS_OWN for verb in said) else HINT
        if said:
            return NO
        unquoted = data.lstrip(b" \t").translate(None, _QUOTES)
        return WEAK if _INLINE.may_begin(unquoted) or (not unquoted and len(data) < _MOST_BLANKS) else NO
    array = _ARRAY.match(data)
    if not array:
        return MORE if len(data) < 20 and _BEGINNING.match(data) else NO
    size = int(array[2])
    word = data[array.end() : array.end() + size]
    if word.translate(None, _NAME):
        return NO
    return YES if len(word) == size else MORE


def _empty_end(data: bytes) -> int:
    empty = _EMPTY.match(data)
    return 0 if empty is None else empty.end()


def _verb(line: bytes) -> bytes:
    """Return the first word of an inline command in upper case, which may be quoted."""
    if line[:1].isalpha() and not (b'"' in line or b"'" in line):
        return verb_of(line)
    said = words(line)
    return said[0].upper() if said else b""


_QUOTES: Final = b"\"'\\"
_NAME: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._|-"


def _server(data: bytes) -> Evidence:
    if not data:
        return MORE
    reply = _REPLY.match(data)
    if reply is None:
        return NO if len(data) > 64 or LF in data else MORE
    if reply[1]:
        return YES
    open_ended = LF not in data or (data[0] == ord("*") and reply.end() == len(data))
    return LEANING if open_ended else HINT
