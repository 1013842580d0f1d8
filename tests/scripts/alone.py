def main():
    print("nobody else here")


if __name__ == "__main__":
    main()
