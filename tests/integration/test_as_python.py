"""What student code sees is what Python shows: whole scripts, run for real and under control, print the same."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.runtime.template import Template
from tests.hosted import explored

_PRELUDE = """
import ctypes
import multiprocessing as mp
import pickle
import struct
import threading
from multiprocessing import sharedctypes, shared_memory
from ctypes import POINTER, BigEndianStructure, Structure, Union, c_char, c_double, c_int

def show(what):
    try:
        print(repr(what()))
    except BaseException as error:
        print(type(error).__name__, error)

def setit(target, name, value):
    setattr(target, name, value)
"""

_STRUCTURES = """
class Point(Structure):
    _fields_=[('x',c_int),('y',c_double)]
    def norm(self): return self.x*self.x+self.y*self.y
class Line(Structure):
    _fields_=[('a',Point),('b',Point),('w',c_int*3),('name',c_char*8)]
class Sub(Point):
    _fields_=[('z',c_int)]
class Both(Union):
    _fields_=[('i',c_int),('f',ctypes.c_float)]
class Bits(Structure):
    _fields_=[('a',c_int,3),('b',c_int,5)]
class Anon(Structure):
    _anonymous_=('p',)
    _fields_=[('p',Point),('k',c_int)]
class Big(BigEndianStructure):
    _fields_=[('x',c_int)]
class Ptr(Structure):
    _fields_=[('p',POINTER(c_int))]

def main():
    v=mp.Value(Point,1,2.5)
    show(lambda:(v.x,v.y,v.get_obj().x,v.get_obj().norm()))
    v.x+=1
    show(lambda: v.x)
    show(lambda: v.norm())
    show(lambda: v.q)
    v.q=5
    show(lambda: v.q)
    o=v.get_obj()
    o.x=9
    o.y+=1
    show(lambda:(o.x,v.y,type(o).__name__,isinstance(o,Point),ctypes.sizeof(o)))
    show(lambda: Point(o.x,o.y).norm())
    show(lambda: setit(v,'x','a'))
    show(lambda: setit(o,'x',2**40))
    show(lambda: o.x)
    l=mp.Value(Line)
    l.a.x=3
    l.a.x+=1
    l.w[1]=7
    l.name=b'abc'
    show(lambda:(l.a.x,l.b.y,l.w[:],l.name,len(l.w),list(l.w)))
    l.b=Point(5,6)
    show(lambda:(l.b.x,l.b.y))
    l.b=(7,8)
    show(lambda:(l.b.x,l.b.y))
    l.a=l.b
    show(lambda:(l.a.x,l.a.y))
    l.w[0:2]=[1,2]
    show(lambda:l.w[:])
    l.w=(4,5,6)
    show(lambda:l.w[:])
    s=mp.Value(Sub,1,2,3)
    show(lambda:(s.z,))
    show(lambda:(s.x,s.y))
    show(lambda:s.get_obj().x)
    u=mp.Value(Both,1)
    show(lambda:(u.i,u.f))
    u.f=1.0
    show(lambda:u.i)
    an=mp.Value(Anon)
    show(lambda: an.k)
    show(lambda: an.p.x)
    show(lambda: an.x)
    show(lambda: an.get_obj().x)
    def sx(): an.get_obj().x=4
    show(sx)
    show(lambda: an.p.x)
    b=mp.Value(Big,5)
    show(lambda:b.x)
    b.x=6
    show(lambda:b.x)
    A=mp.Array(Point,[(1,2.0),(3,4.0)])
    show(lambda:(A[0].x,A[1].y,len(A)))
    A[0].x+=5
    p=A[1]
    p.x=77
    show(lambda:[(q.x,q.y) for q in A])
    show(lambda:[q.x for q in A[0:2]])
    show(lambda: A.get_obj()[1].x)
    A[0]=A[1]
    show(lambda:A[0].x)
    A2=mp.Array(Point,3)
    A2[1]=Point(1,1)
    A2[2]=(5,5)
    show(lambda:[(q.x,q.y) for q in A2])
    M=mp.Array(c_int*2,2)
    def sm(): M[0][1]=3
    show(sm)
    show(lambda:(M[0][:],M[1][0],len(M)))
    R=mp.RawArray(Point,2)
    R[0].x=1
    show(lambda:R[0].x)
    rv=mp.RawValue(Point,1,2)
    rv.x+=1
    show(lambda:rv.x)
    ra=mp.RawArray('i',[1,2,3])
    ra[0]+=1
    show(lambda:(ra[:],ra[::2],ra[-1],list(ra),len(ra),3 in ra))
    ra[1:]=[8,9]
    show(lambda:ra[:])
    show(lambda: ra.__setitem__(slice(0,2),[1]))
    show(lambda: ra[10])
    show(lambda:sum(ra))
    show(lambda:max(ra))
    show(lambda:sorted(ra))
    c=mp.Array('c',10)
    c.value=b'hello'
    show(lambda:(c.value,c.raw,c[0],c[1:3],len(c)))
    c[0]=b'J'
    show(lambda:c.value)
    c.raw=b'x'*10
    show(lambda:c.raw)
    show(lambda:setit(c,'value',b'y'*11))
    show(lambda:setit(c,'raw',b'y'*11))
    c2=mp.Array(c_char,b'abc')
    show(lambda:(c2.value,c2.get_obj().value,c2.get_obj().raw))
    w=mp.Array('u',5)
    w.value='hey'
    show(lambda:(w.get_obj().value,w[:]))
    w2=mp.RawArray('u','hey')
    show(lambda:(w2.value,w2[0]))
    i=mp.Value('i',5)
    show(lambda:(i.get_obj().value,i.get_obj()))
    i.get_obj().value+=1
    show(lambda:(i.value,i.get_lock(),i.get_obj()))
    i2=mp.Value(c_int,5)
    show(lambda:i2.value)
    bb=mp.Value(ctypes.c_bool,True)
    show(lambda:bb.value)
    bb.value=0
    show(lambda:bb.value)
    nolock=mp.Value('i',3,lock=False)
    nolock.value+=1
    show(lambda:nolock.value)
    show(lambda:nolock.get_lock())
    cp=sharedctypes.copy(v.get_obj())
    cp.x=1
    show(lambda:(cp.x,v.x))
    sy=sharedctypes.synchronized(rv)
    show(lambda:sy.x)
    sy.x+=1
    show(lambda:rv.x)
    with v: v.x=1
    with v.get_lock(): v.x+=1
    show(lambda:v.x)
    show(lambda: v.acquire())
    show(v.release)
    show(lambda: A.get_obj()._length_)
    show(lambda: Point.from_buffer_copy(bytes(16)).x)
    show(lambda: [f[0] for f in v.get_obj()._fields_])
    show(lambda:ctypes.sizeof(A.get_obj()))
    show(lambda:ctypes.sizeof(Point))
    show(lambda:v==v)
    show(lambda: A.get_obj()==A.get_obj())
    show(lambda: [x.y for x in reversed(A)])
"""

_MANAGER = """
def main():
    m = mp.Manager()
    for make in (m.Lock, m.RLock, m.Semaphore, m.Condition, m.Event, m.Queue, m.JoinableQueue, m.list, m.dict,
                 m.Namespace, lambda: m.Barrier(2), lambda: m.Value("i", 3), lambda: m.Array("i", [1, 2])):
        show(lambda: make()._exposed_)
        show(lambda: repr(make()))
    lock = m.Lock()
    show(lock.release)
    show(lambda: (lock.acquire(), lock.acquire(False), lock.acquire(timeout=.01), lock.acquire(True, .01)))
    show(lambda: lock.acquire(False, 1))
    show(lambda: lock.acquire(True, -3))
    show(lambda: lock.acquire(timeout="a"))
    show(lock.release)
    recursive = m.RLock()
    show(recursive.release)
    show(lambda: (recursive.acquire(), recursive.acquire(), recursive.release(), recursive.release()))
    s = m.Semaphore(2)
    show(lambda: (s.acquire(False), s.acquire(False), s.acquire(False), s.acquire(timeout=.01), s.release()))
    show(lambda: s.acquire(False, 1))
    show(m.BoundedSemaphore(1).release)
    c = m.Condition()
    show(c.wait)
    show(c.notify)
    show(c.release)
    show(lambda: (c.acquire(), c.notify(3), c.notify_all(), c.wait(.01), c.wait_for(lambda: 0, .01), c.release()))
    plain = m.Condition(m.Lock())
    show(lambda: (plain.acquire(), plain.wait(.01), plain.release()))
    e = m.Event()
    show(lambda: (e.is_set(), e.wait(.01), e.set(), e.wait(), e.is_set(), e.clear(), e.wait(0)))
    q = m.Queue(2)
    show(lambda: (q.put(1), q.put(2), q.full(), q.qsize(), q.get(), q.get(), q.empty()))
    show(lambda: q.get(False))
    show(lambda: q.get(timeout=.01))
    show(lambda: q.get(timeout=-1))
    show(q.get_nowait)
    show(lambda: [q.put_nowait(i) for i in range(3)])
    show(lambda: q.put(1, timeout=.01))
    show(lambda: [q.task_done() for i in range(6)])
    show(lambda: q.put(threading.Lock()))
    show(q.join)
    v = m.list([3, 1, 2])
    show(lambda: [x for x in v])
    show(lambda: v == [3, 1, 2])
    show(lambda: (v + [1], v * 2, 2 * v, v[0:2], len(v), 3 in v, v.sort(), str(v), v._getvalue(), v.index(3)))
    show(lambda: v[9])
    v += [1]
    v *= 2
    show(lambda: str(v))
    show(lambda: (v.reverse(), list(reversed(v)), v.pop(), v.insert(0, 5), v.remove(5), v.extend("ab")))
    del v[0]
    v[1:3] = [9]
    show(lambda: v[:])
    show(lambda: v.append(threading.Lock()))
    show(lambda: v.append(mp.Lock()))
    show(lambda: v.sort())
    d = m.dict({1: 2}, a=3)
    show(lambda: (d.keys(), d.values(), d.items(), d.copy(), list(d), len(d), 1 in d, d.get("z"), d.get("z", 4)))
    show(lambda: (d.setdefault("k", []), str(d), dict(d), {**d}))
    show(lambda: d["q"])
    show(lambda: (d["k"].append(1), d["k"], d.pop("k"), d.popitem(), d.update({5: 6}, b=1), d.pop("z", 0)))
    show(lambda: d.pop("k"))
    del d[1]
    show(lambda: d == {})

    def grow():
        for key in d:
            d[key * 2] = 1

    show(grow)
    show(lambda: next(iter(d)))
    show(lambda: d.clear())
    n = m.Namespace(x=1, _y=2)
    show(lambda: (n.x, str(n), n._getvalue()))
    n.z = 5
    n._p = 1
    del n.x
    show(lambda: (n.z, n._p, str(n)))
    for name in ("x", "_y"):
        show(lambda: getattr(n, name))
        show(lambda: delattr(n, name))
    w = m.Value("i", 3)
    w.value += 1
    show(lambda: (w.value, w.get(), w.set(9), str(w)))
    w.value = "z"
    show(lambda: w.value)
    show(lambda: w.get_lock())
    a = m.Array("i", [1, 2, 3])
    show(lambda: (a[0], a[0:2], len(a), str(a), list(a)))
    show(lambda: a.__setitem__(0, "a"))
    show(lambda: a.__setitem__(0, 2**40))
    show(lambda: a[7])
    b = m.Barrier(1)
    show(lambda: (b.parties, b.n_waiting, b.broken, b.wait(), b.wait(), b.abort(), b.broken))
    show(b.wait)
    show(lambda: (b.reset(), b.wait()))
    nested = m.list([m.list([1]), m.dict()])
    show(lambda: (nested[0].append(5), nested[0][1], nested[0][:], type(nested[0]), str(nested)))
    for name in ("foo", "clear_all", "_x"):
        show(lambda: getattr(m, name))
    show(lambda: (mp.active_children()[0].name, m._process.is_alive(), mp.Process().name, m.start()))
    m.shutdown()
    show(lambda: (mp.active_children(), m.shutdown()))
    for use in (lambda: d["a"], m.dict, m.start, m.__enter__, lambda: str(d), q.get):
        show(use)
    with mp.Manager() as other:
        unused = other.list()
    show(lambda: unused.append(1))
"""

_SHARED_MEMORY = """
def main():
    a=shared_memory.SharedMemory(create=True,size=16)
    show(lambda:(a.size,len(a.buf),a.name[:4],type(a.buf).__name__,isinstance(a.buf,memoryview)))
    a.buf[0]=7
    a.buf[1]+=3
    a.buf[-1]=255
    show(lambda:(a.buf[0],a.buf[1],a.buf[15],bytes(a.buf[:2]),a.buf[:3].tolist(),a.buf[:2].hex(),a.buf.nbytes,a.buf.format,a.buf.itemsize,a.buf.shape,a.buf.strides,a.buf.readonly,a.buf.ndim,a.buf.contiguous))
    a.buf[:4]=b'abcd'
    show(lambda:a.buf[:4].tobytes())
    show(lambda:bytes(a.buf[::2][:3]))
    show(lambda:bytes(a.buf[3::-1]))
    a.buf[0:4:2]=b'XY'
    show(lambda:bytes(a.buf[:4]))
    show(lambda:a.buf.__setitem__(slice(0,4),b'abc'))
    show(lambda:a.buf.__setitem__(0,256))
    show(lambda:a.buf.__setitem__(0,'a'))
    show(lambda:a.buf.__setitem__(99,1))
    show(lambda:a.buf[99])
    show(lambda:a.buf['x'])
    a.buf[4:8]=a.buf[:4]
    show(lambda:bytes(a.buf[:8]))
    show(lambda:a.buf[:4]==b'XbYd')
    show(lambda:a.buf[:4]==a.buf[4:8])
    show(lambda: 88 in a.buf)
    show(lambda:[x for x in a.buf[:3]])
    show(lambda:list(reversed(a.buf[:3])))
    show(lambda: bytes(a.buf[:4]).decode())
    show(lambda:sum(a.buf[:4]))
    show(lambda:int.from_bytes(a.buf[:4],'little'))
    c=a.buf.cast('i')
    c[0]=5
    c[1]+=1
    show(lambda:(c[0],len(c),c.format,c[:2].tolist(),c.shape))
    show(lambda:c.__setitem__(0,2**40))
    show(lambda:a.buf[:3].cast('i'))
    c[0:2]=memoryview(struct.pack('ii',1,2)).cast('i')
    show(lambda:c.tolist())
    show(lambda:c.__setitem__(slice(0,1),b'abcd'))
    struct.pack_into('i',a.buf,4,77)
    show(lambda:struct.unpack_from('i',a.buf,4))
    show(lambda:struct.unpack_from('<h',a.buf,offset=4))
    show(lambda:struct.unpack('4s',a.buf[:4]))
    show(lambda:struct.pack_into('i',a.buf,14,1))
    show(lambda:struct.unpack_from('i',a.buf,14))
    show(lambda:struct.pack_into('i',a.buf,-4,9))
    show(lambda:struct.unpack_from('i',a.buf,-4))
    show(lambda:struct.pack_into('i',a.buf,0,'x'))
    show(lambda:struct.unpack('3s',a.buf[:4]))
    show(lambda:struct.unpack('2s',a.buf[:4:2]))
    show(lambda:struct.unpack_from('2s',a.buf[::2],offset=1))
    show(lambda:struct.pack_into('2s',a.buf[::2],0,b'ab'))
    show(a.close)
    show(lambda:a.buf)
    c.release()
    show(lambda:c[0])
    show(a.close)
    show(a.close)
    show(lambda:a.buf)
    b=shared_memory.SharedMemory(a.name)
    show(lambda:b.buf[4])
    show(lambda:(b.size>=16,))
    b.unlink()
    show(lambda:b.buf[4])
    show(lambda:type(b.close()))
    for wrong in (("no_such_thing_x",), (), (None, True), (None, True, -1), ("x", False, -1)):
        show(lambda: shared_memory.SharedMemory(*wrong))
    n=shared_memory.SharedMemory('grader_test_q',create=True,size=8)
    show(lambda:n)
    show(lambda:(n.name,n._name))
    show(lambda:shared_memory.SharedMemory('grader_test_q',create=True,size=8))
    m=pickle.loads(pickle.dumps(n))
    m.buf[0]=3
    show(lambda:n.buf[0])
    n.close()
    n.unlink()
    show(lambda:shared_memory.SharedMemory('grader_test_q'))
    m.close()
    l=shared_memory.ShareableList([1,'two',3.0,None,True,b'six',-5],name='grader_test_l')
    show(lambda:l)
    show(lambda:(l[0],l[1],l[2],l[3],l[4],l[5],l[-1],len(l),list(l),l.count(1),l.index('two'),l.format))
    l[0]+=1
    l[1]='2'
    show(lambda:l[0])
    show(lambda:l.__setitem__(1,'a very long string indeed'*3))
    show(lambda:l[9])
    show(lambda: 'two' in l)
    l[3]=7
    show(lambda:l[3])
    k=shared_memory.ShareableList(name=l.shm.name)
    k[0]=99
    show(lambda:l[0])
    k.shm.close()
    l.shm.close()
    l.shm.unlink()
"""

_SCRIPTS = {"shared memory": _SHARED_MEMORY, "structures": _STRUCTURES, "a manager": _MANAGER}


@pytest.mark.parametrize("name", _SCRIPTS)
def test_a_script_prints_the_same(template: Template, name: str, tmp_path: Path) -> None:
    source = _PRELUDE + _SCRIPTS[name]
    path = tmp_path / "script.py"
    path.write_text(f"{source}\nif __name__ == '__main__':\n    main()\n", encoding="utf-8")
    real = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)
    (execution,) = explored(template, source).executions
    assert not execution.errors, execution.errors
    assert _plain("".join(execution.output.values())) == _plain(real.stdout)


def _plain(text: str) -> list[str]:
    """Without addresses, and without the name of the main module."""
    return re.sub("0x[0-9a-f]+", "0x", text).replace("<program.", "<__main__.").splitlines()
