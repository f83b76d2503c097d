package xpath

func Tune(p map[string]int) {
	for k, v := range p {
		switch k {
		case "T1": T1 = v
		case "T2": T2 = v
		case "T3": T3 = v
		case "T4": T4 = v
		case "K1": K1 = v
		case "K2": K2 = v
		case "W1": W1 = v
		case "W2": W2 = v
		case "C1": C1 = v
		case "C2": C2 = v
		case "C3": C3 = v
		case "C4": C4 = v
		case "F1":
			F1 = v
		case "N1":
			N1 = v
		case "C5": C5 = v
		}
	}
}
