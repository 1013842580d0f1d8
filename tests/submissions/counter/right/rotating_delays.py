import multiprocessing
from collections import deque

# Wartezeiten in Sekunden, reihum
WARTEZEITEN = deque([0.01, 0.02, 0.05, 0.1])


def increment_counter(counter, lock):
    # Solange besetzt ist, die naechste Wartezeit nehmen und von vorn
    while True:
        if lock.acquire(timeout=WARTEZEITEN[0]):
            break
        WARTEZEITEN.rotate(-1)
    try:
        alt = counter.value
        neu = alt + 1
        counter.value = neu
    finally:
        lock.release()


def run_counter(processes):
    zaehler = multiprocessing.Value("i", 0)
    schloss = multiprocessing.Lock()
    arbeiter = []
    for _ in range(processes):
        arbeiter.append(multiprocessing.Process(target=increment_counter, args=(zaehler, schloss)))
    for a in arbeiter:
        a.start()
    for a in arbeiter:
        a.join()
    return zaehler.value


if __name__ == "__main__":
    print("Ergebnis:", run_counter(5))
