<title>x</title><form>
